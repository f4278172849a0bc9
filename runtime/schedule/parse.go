package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/netresearch/go-cron"
)

const (
	// maxCron bounds the length of an expression; the longest that makes sense
	// lists a few dozen minutes.
	maxCron = 256
	// searchYears is how far a match may be: 29 February is 8 years away when
	// the year between is 1900 or 2100.
	searchYears = 12
	// hashKey is what H is made of where there is no name: it needs something.
	hashKey = "reprise"
)

// Parse understands a spec. The error is a sentence that names the field and
// shows how it is written.
func Parse(spec Spec) (*Plan, error) {
	if err := spec.checkWords(); err != nil {
		return nil, err
	}
	zone, err := loadZone(spec.Timezone)
	if err != nil {
		return nil, err
	}
	wall, err := parseCron(spec.Cron, spec.Name)
	if err != nil {
		return nil, err
	}
	const everyHour = 1<<24 - 1
	return &Plan{Spec: spec, wall: wall, zone: zone, beat: wall.Hour&everyHour == everyHour}, nil
}

func (s Spec) checkWords() error {
	if !slices.Contains([]Overlap{"", Skip, Queue, Allow}, s.Overlap) {
		return fmt.Errorf(`overlap must be "skip", "queue" or "allow", not %q`, s.Overlap)
	}
	if !slices.Contains([]CatchUp{"", CatchUpNone, CatchUpLatest, CatchUpAll}, s.CatchUp) {
		return fmt.Errorf(`catchUp must be "none", "latest" or "all", not %q`, s.CatchUp)
	}
	return nil
}

func parseCron(expression, name string) (*cron.SpecSchedule, error) {
	expression = strings.TrimSpace(expression)
	switch {
	case expression == "":
		return nil, errors.New("the cron expression is empty; " + examples)
	case len(expression) > maxCron:
		return nil, fmt.Errorf("the cron expression is %d characters long; at most %d are read", len(expression), maxCron)
	case strings.HasPrefix(expression, "TZ=") || strings.HasPrefix(expression, "CRON_TZ="):
		return nil, fmt.Errorf(`%q: the time zone has a key of its own; write { cron: "0 3 * * *", timezone: "Europe/Oslo" }`, expression)
	case strings.HasPrefix(expression, "@"):
		if err := checkNickname(expression); err != nil {
			return nil, err
		}
	default:
		parts, err := checkFields(expression)
		if err != nil {
			return nil, err
		}
		expression = strings.Join(parts, " ")
	}
	wall, err := read(expression, name)
	if err != nil { // a field alone was fine, all of them are not
		return nil, fmt.Errorf("the cron expression %q is not valid: %w", expression, err)
	}
	// Asked from a fixed day, so that the answer is the same on every day.
	if wall.Next(time.Unix(0, 0).UTC()).IsZero() {
		return nil, fmt.Errorf(`the cron expression %q never fires: there is no such day; for example, "0 3 L * *" is 03:00 on the last day of every month`, expression)
	}
	return wall, nil
}

// read has the library parse an expression.
func read(expression, name string) (*cron.SpecSchedule, error) {
	if name == "" {
		name = hashKey
	}
	// Without DowOrDom, "0 0 1,15 * 1" would be the 1st and 15th if a Monday;
	// in every cron it is the 1st, the 15th, and Mondays.
	parser, err := cron.TryNewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow |
		cron.Descriptor | cron.Extended | cron.Hash | cron.DowOrDom)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.WithMaxSearchYears(searchYears).ParseWithHashKey(expression, name)
	if err != nil {
		return nil, err
	}
	wall, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("it fires at no fixed times (%T)", parsed)
	}
	wall.Location = time.UTC
	return wall, nil
}

const examples = `for example, "0 3 * * *" is 03:00 every day and "*/15 * * * *" every 15 minutes`

// field is one place of an expression, for messages.
type field struct {
	name, takes, example string
}

var fields = [6]field{
	{"second", `0 to 59, as in "0", "*/10" or "0,30"`, `"*/10 * * * * *" is every 10 seconds`},
	{"minute", `0 to 59, as in "0", "*/15" or "0,30"`, `"*/15 * * * *" is every 15 minutes`},
	{"hour", `0 to 23, as in "3", "9-17" or "*/2"`, `"0 3 * * *" is 03:00 every day`},
	{"day of the month", `1 to 31, as in "1", "1,15", "L" (the last) or "15W" (the working day nearest to the 15th)`, `"0 3 1 * *" is 03:00 on the first of every month`},
	{"month", `1 to 12 or JAN to DEC, as in "*", "*/3" or "JAN,JUL"`, `"0 3 1 */3 *" is 03:00 on the first of every quarter`},
	{"day of the week", `0 to 7 (both are Sunday) or SUN to SAT, as in "MON-FRI", "FRI#3" (the third) or "FRI#L" (the last)`, `"0 3 * * MON-FRI" is 03:00 on working days`},
}

var (
	fieldPattern = regexp.MustCompile(`^[0-9A-Za-z*?,/#()-]+$`)
	hashStep     = regexp.MustCompile(`^H\(([0-9]{1,2})-([0-9]{1,2})\)/([0-9]{1,2})$`)
)

// checkFields finds the field that is wrong: each is read alone, among others
// that match always.
func checkFields(expression string) ([]string, error) {
	parts := strings.Fields(expression)
	if len(parts) < 5 || len(parts) > 6 {
		return nil, fmt.Errorf(`the cron expression %q has %d fields, not 5: minute, hour, day of the month, month, day of the week (and seconds may come first); %s`,
			clip(expression), len(parts), examples)
	}
	first := len(fields) - len(parts)
	for i, part := range parts {
		at := first + i
		if part = withDays(part, at); !checkField(part, at) {
			f := fields[at]
			return nil, fmt.Errorf("the %s of a schedule can not be %q: it takes %s; for example, %s", f.name, clip(part), f.takes, f.example)
		}
		parts[i] = part
	}
	return parts, nil
}

func checkField(part string, at int) bool {
	if !fieldPattern.MatchString(part) {
		return false
	}
	for item := range strings.SplitSeq(part, ",") { // the library skips empty ones
		if item == "" || at == 5 && wrapsWithStep(item) || outsteps(item) {
			return false
		}
	}
	alone := []string{"0", "0", "0", "*", "*", "*"}
	alone[at] = part
	_, err := read(strings.Join(alone, " "), "")
	return err == nil
}

// withDays keeps an H for the day of the month within the days that every
// month has; the library would skip months.
func withDays(part string, at int) string {
	if at != 3 {
		return part
	}
	items := strings.Split(part, ",")
	for i, item := range items {
		if rest, ok := strings.CutPrefix(item, "H"); ok && (rest == "" || rest[0] == '/') {
			items[i] = "H(1-28)" + rest
		}
	}
	return strings.Join(items, ",")
}

// wrapsWithStep finds ranges such as FRI-MON/2: the library counts Sunday
// twice in them, as 0 and as 7.
func wrapsWithStep(item string) bool {
	days, _, stepped := strings.Cut(item, "/")
	if _, _, isRange := strings.Cut(days, "-"); !isRange || !stepped {
		return false
	}
	wall, err := read("0 0 0 * * "+days, "")
	return err == nil && wall.Dow&1 != 0 && !strings.HasPrefix(days, "0-") && !strings.HasPrefix(strings.ToUpper(days), "SUN-")
}

// outsteps finds H(0-5)/20: where the hash says 10, nothing is left.
func outsteps(item string) bool {
	m := hashStep.FindStringSubmatch(item)
	if m == nil {
		return false
	}
	var low, high, step int
	if _, err := fmt.Sscan(m[1]+" "+m[2]+" "+m[3], &low, &high, &step); err != nil {
		return true
	}
	return low > high || step > high-low+1
}

var nicknames = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}

// checkNickname refuses what is counted from the start of a process: such
// ticks have no name that everybody computes the same.
func checkNickname(expression string) error {
	word, rest, _ := strings.Cut(expression, " ")
	switch {
	case slices.Contains(nicknames, expression):
		return nil
	case word == "@every":
		return fmt.Errorf("%q would count from the start of the server, and begin anew with each restart; write %s", clip(expression), fieldsFor(strings.TrimSpace(rest)))
	case word == "@reboot":
		return errors.New(`"@reboot" is no time; start the script with POST /api/v1/runs when you need it`)
	}
	return fmt.Errorf("%q is not known; there are %s; or write five fields: %s", clip(expression), strings.Join(nicknames, ", "), examples)
}

// fieldsFor is an interval as an expression, where it has one.
func fieldsFor(interval string) string {
	d, err := time.ParseDuration(interval)
	every := func(n time.Duration) string {
		if n == 1 {
			return "*"
		}
		return fmt.Sprintf("*/%d", n)
	}
	switch {
	case err != nil || d < time.Second || d > 24*time.Hour || d%time.Second != 0:
		return `the times instead: "*/5 * * * * *" is every 5 seconds, "*/15 * * * *" every 15 minutes`
	case d == 24*time.Hour:
		return `"0 0 * * *"`
	case d%time.Hour == 0 && 24*time.Hour%d == 0:
		return fmt.Sprintf(`"0 %s * * *"`, every(d/time.Hour))
	case d%time.Minute == 0 && time.Hour%d == 0:
		return fmt.Sprintf(`"%s * * * *"`, every(d/time.Minute))
	case time.Minute%d == 0:
		return fmt.Sprintf(`"%s * * * * *"`, every(d/time.Second))
	}
	return `the times instead: "*/5 * * * * *" is every 5 seconds, "*/15 * * * *" every 15 minutes`
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
