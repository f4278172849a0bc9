package schedule

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // machines and containers without zones of their own

	"reprise/runtime/call"
)

// zoneNames are all names of the time zone database, one a line.
//
//go:embed zones.txt
var zoneNames string

// colloquial is what people write for a zone and the database does not know,
// or does not mean.
var colloquial = map[string]string{
	"PT": "America/Los_Angeles", "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles",
	"MT": "America/Denver", "MDT": "America/Denver",
	"CT": "America/Chicago", "CST": "America/Chicago", "CDT": "America/Chicago",
	"ET": "America/New_York", "EDT": "America/New_York",
	"BST": "Europe/London", "CEST": "Europe/Berlin", "EEST": "Europe/Helsinki",
	"IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney",
}

// loadZone finds a zone by its name. Only listed names are taken: "Local" and
// what else a machine may have mean something else on the next one.
func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	names := strings.Fields(zoneNames)
	if _, known := slices.BinarySearch(names, name); !known {
		return nil, fmt.Errorf("there is no time zone %q; %s", clip(name), suggestZone(name, names))
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("the time zone %q can not be loaded: %w", name, err)
	}
	return zone, nil
}

func suggestZone(name string, names []string) string {
	if near := nearestZone(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return `write its IANA name, such as "Europe/Oslo", "America/New_York" or "UTC"`
}

// nearestZone takes a city, an abbreviation, or a name with a mistake.
func nearestZone(name string, names []string) string {
	if zone, ok := colloquial[strings.ToUpper(name)]; ok {
		return zone
	}
	name = strings.ReplaceAll(strings.TrimSpace(name), " ", "_")
	for _, n := range names {
		if strings.EqualFold(n, name) || strings.EqualFold(n[strings.LastIndexByte(n, '/')+1:], name) {
			return n
		}
	}
	if strings.EqualFold(name, "local") {
		return ""
	}
	return call.Nearest(name, names)
}
