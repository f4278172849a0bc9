package cli

import (
	"reprise/connections"
	"reprise/connections/cache"
	"reprise/runtime/call"
)

// fileCache is what a connection keeps of answers: its fields, or true or false.
type fileCache struct {
	TTL                  *string `yaml:"ttl"`
	StaleWhileRevalidate *string `yaml:"staleWhileRevalidate"`
	MaxEntries           *int    `yaml:"maxEntries"`
	MaxBytes             *string `yaml:"maxBytes"`
	Private              bool    `yaml:"private"`
	off                  bool
}

// UnmarshalYAML implements yaml.InterfaceUnmarshaler.
func (c *fileCache) UnmarshalYAML(unmarshal func(any) error) error {
	var on bool
	if unmarshal(&on) == nil {
		c.off = !on
		return nil
	}
	type fields fileCache
	return unmarshal((*fields)(c))
}

func (r *reader) cache(c *fileCache) *cache.Rules {
	out := &cache.Rules{
		TTL: r.duration("cache.ttl", c.TTL), StaleWhileRevalidate: r.duration("cache.staleWhileRevalidate", c.StaleWhileRevalidate),
		MaxEntries: connections.DefaultCached, MaxBytes: connections.DefaultCachedBytes, Private: c.Private,
	}
	if c.MaxEntries != nil {
		if out.MaxEntries = *c.MaxEntries; out.MaxEntries < 1 || out.MaxEntries > connections.MaxCached {
			r.fail("cache.maxEntries", "it is %d; it can be 1 to %d", out.MaxEntries, connections.MaxCached)
		}
	}
	if c.MaxBytes != nil {
		size, err := call.ParseSize(*c.MaxBytes)
		if err != nil {
			r.fail("cache.maxBytes", "%w", err)
		} else if out.MaxBytes = size; size < 1 {
			r.fail("cache.maxBytes", "it is %s; it must be more than 0", *c.MaxBytes)
		}
	}
	return out
}
