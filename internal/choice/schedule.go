package choice

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Format is the version of the schedule format that this package writes and reads.
const Format = 1

// Schedule is what a run needs to be seen again, with where it came from. As text:
//
//	reprise schedule 1
//	test: TestOrder
//	seed: 7203158890337342156
//	go: go1.26.8
//	reprise: v0.1.0
//	property: replay is identical
//
//	worker/crash/commit#7 = 2  # CRASH after commit 3, before the engine knew
//	worker/completes#4 = 1     # "ship" completes before "charge"
//
// Lines that start with # and empty lines mean nothing. Labels and header values that would be misread
// are quoted as Go strings.
type Schedule struct {
	Test       string // the name of the test, as in go test -run
	Seed       uint64 // the seed that found it, before shrinking
	Go         string // the Go version that it was found with
	Reprise    string // the version of this module that it was found with
	Property   string // the property that did not hold
	Faults     string // the fault plan, when it is not the test's own
	Deviations []Deviation
}

// field is a line of the header.
type field struct {
	key    string
	always bool // written also when it is empty
	get    func(*Schedule) string
	set    func(*Schedule, string) error
}

// header lists the fields in the order in which they are written. Only the test must be there when a
// schedule is read.
var header = []field{
	textField("test", func(s *Schedule) *string { return &s.Test }),
	{"seed", true, func(s *Schedule) string { return strconv.FormatUint(s.Seed, 10) }, setSeed},
	textField("go", func(s *Schedule) *string { return &s.Go }),
	textField("reprise", func(s *Schedule) *string { return &s.Reprise }),
	textField("property", func(s *Schedule) *string { return &s.Property }),
	textField("faults", func(s *Schedule) *string { return &s.Faults }),
}

// needed is the key of the field that every schedule has.
const needed = "test"

// String gives the schedule as the text that [Parse] reads.
func (s Schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%d\n", magic, Format)
	for _, h := range header {
		if value := h.get(&s); value != "" || h.always {
			fmt.Fprintf(&b, "%s: %s\n", h.key, quoteValue(value))
		}
	}
	if len(s.Deviations) > 0 {
		b.WriteByte('\n')
	}
	width := 0
	for _, d := range s.Deviations {
		if d.Note != "" {
			width = max(width, utf8.RuneCountInString(d.String()))
		}
	}
	for _, d := range s.Deviations {
		line := d.String()
		b.WriteString(line)
		if note := oneLine(d.Note); note != "" {
			b.WriteString(strings.Repeat(" ", max(0, width-utf8.RuneCountInString(line))))
			b.WriteString("  # ")
			b.WriteString(note)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Hash returns eight hexadecimal digits for a file name: equal for the same test, property and
// deviations, whatever the seed, the versions and the notes.
func (s Schedule) Hash() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q\n", s.Test, s.Property)
	for _, d := range s.Deviations {
		fmt.Fprintln(h, d)
	}
	return fmt.Sprintf("%08x", uint32(mix(h.Sum64())))
}

// For returns an error when the schedule is of another test than this one.
func (s Schedule) For(test string) error {
	if s.Test == test {
		return nil
	}
	return fmt.Errorf("this schedule is of test %s, not of %s: run it with -run '^%s$', or move the file to "+
		"that test's folder", s.Test, test, s.Test)
}

const magic = "reprise schedule "

func textField(key string, at func(*Schedule) *string) field {
	return field{
		key: key, always: key == needed,
		get: func(s *Schedule) string { return *at(s) },
		set: func(s *Schedule, value string) error {
			*at(s) = value
			return nil
		},
	}
}

func setSeed(s *Schedule, value string) error {
	seed, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return fmt.Errorf("the seed must be a whole number from 0 to 18446744073709551615")
	}
	s.Seed = seed
	return nil
}

// quoteLabel leaves a label as it is when a line that begins with it can be read back.
func quoteLabel(label string) string {
	plain := label != "" && label[0] != '"' && utf8.ValidString(label) &&
		!strings.ContainsFunc(label, func(r rune) bool {
			return r == '#' || r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r)
		})
	if plain {
		return label
	}
	return strconv.Quote(label)
}

// quoteValue leaves a header's value as it is when it can be read back.
func quoteValue(value string) string {
	plain := utf8.ValidString(value) && !strings.HasPrefix(value, `"`) && value == strings.TrimSpace(value) &&
		!strings.ContainsFunc(value, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) })
	if plain {
		return value
	}
	return strconv.Quote(value)
}
