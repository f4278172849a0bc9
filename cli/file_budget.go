package cli

import "reprise/connections"

// fileBudget is how many retries a connection gets: its fields, or the word none.
type fileBudget struct {
	Percent *int `yaml:"percent"`
	Floor   *int `yaml:"floor"`
	none    bool
}

// UnmarshalYAML implements yaml.InterfaceUnmarshaler.
func (b *fileBudget) UnmarshalYAML(unmarshal func(any) error) error {
	var word string
	if unmarshal(&word) == nil && word == "none" {
		b.none = true
		return nil
	}
	type fields fileBudget
	return unmarshal((*fields)(b))
}

func (b *fileBudget) budget() *connections.Budget {
	switch {
	case b == nil:
		return nil
	case b.none:
		none := connections.NoBudget
		return &none
	}
	out := connections.DefaultBudget
	if b.Percent != nil {
		out.Percent = *b.Percent
	}
	if b.Floor != nil {
		out.Floor = *b.Floor
	}
	return &out
}
