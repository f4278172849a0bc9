package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/connections"
)

func TestRetryBudgetOfTheFile(t *testing.T) {
	for text, want := range map[string]*connections.Budget{
		"none":                   {Percent: connections.MaxBudget, Floor: connections.MaxBudget},
		"{}":                     {Percent: 20, Floor: 10},
		"{percent: 5}":           {Percent: 5, Floor: 10},
		"{percent: 0, floor: 0}": {},
	} {
		c, err := load(t, "connections:\n  x: {baseURL: \"http://a\", retryBudget: "+text+"}\n", nil)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, c.Connections[0].RetryBudget); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	for text, want := range map[string]string{
		"some":            "reprise.yaml:2:41: ",
		"{percents: 5}":   `reprise.yaml:2:42: there is no setting "percents"`,
		"{percent: much}": "reprise.yaml:2:51: this is text; it should be a number",
		"{percent: -1}":   "x: retryBudget has -1 percent",
	} {
		_, err := load(t, "connections:\n  x: {baseURL: \"http://a\", retryBudget: "+text+"}\n", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
