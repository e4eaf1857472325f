package choice

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// ErrSchedule is what all errors of [Parse] are.
var ErrSchedule = errors.New("not a readable schedule")

// Parse reads what [Schedule.String] wrote. An error names each bad line, by number and content, and what
// to do.
func Parse(text string) (Schedule, error) {
	p := parser{seen: make(map[string]int)}
	lines := strings.Split(text, "\n")
	first := strings.TrimSpace(lines[0])
	if err := checkFormat(first); err != nil {
		return Schedule{}, fmt.Errorf("%w: line 1: %q: %w", ErrSchedule, clip(first), err)
	}
	for i, line := range lines[1:] {
		p.number = i + 2
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := p.line(line); err != nil {
			p.errs = append(p.errs, fmt.Errorf("line %d: %q: %w", p.number, clip(line), err))
		}
	}
	if p.seen[needed+":"] == 0 {
		p.errs = append(p.errs, fmt.Errorf("the header does not say which test this is of: add a line %q",
			needed+": TestName"))
	}
	if more := len(p.errs) - maxErrors; more > 0 {
		p.errs = append(p.errs[:maxErrors], fmt.Errorf("and %d more", more))
	}
	if len(p.errs) > 0 {
		return Schedule{}, fmt.Errorf("%w: %w", ErrSchedule, errors.Join(p.errs...))
	}
	return p.out, nil
}

// maxErrors is how many bad lines are named.
const maxErrors = 8

type parser struct {
	out    Schedule
	number int
	seen   map[string]int // header key with colon, or deviation without its answer: the line it was on
	errs   []error
}

func checkFormat(first string) error {
	version, ok := strings.CutPrefix(first, magic)
	if !ok {
		return fmt.Errorf("a schedule begins with %q: is this the right file?", magic+strconv.Itoa(Format))
	}
	if version != strconv.Itoa(Format) {
		return fmt.Errorf("this is format %s, and this version of reprise reads format %d: use the version "+
			"named in the file's \"reprise:\" line, or find the failure again from its seed", version, Format)
	}
	return nil
}

// line reads a header line, whose first word ends in a colon, or a deviation.
func (p *parser) line(line string) error {
	word, value := line, ""
	if end := strings.IndexFunc(line, unicode.IsSpace); end >= 0 {
		word, value = line[:end], strings.TrimSpace(line[end:])
	}
	if key, ok := strings.CutSuffix(word, ":"); ok && line[0] != '"' {
		return p.header(key, value)
	}
	label, rest, err := cutLabel(line)
	if err != nil {
		return err
	}
	return p.deviation(label, rest)
}

func (p *parser) header(key, value string) error {
	if first := p.seen[key+":"]; first > 0 {
		return fmt.Errorf("line %d has %q already: delete one of them", first, key)
	}
	p.seen[key+":"] = p.number
	if strings.HasPrefix(value, `"`) {
		plain, err := strconv.Unquote(value)
		if err != nil {
			return errors.New("the quoted value is not a Go string: close the quote, or leave quotes out")
		}
		value = plain
	}
	var known []string
	for _, h := range header {
		if h.key == key {
			return h.set(&p.out, value)
		}
		known = append(known, h.key)
	}
	return fmt.Errorf("%q is no header of a schedule (those are %s): delete the line",
		key, strings.Join(known, ", "))
}

const example = "write it like worker/crash/commit#7 = 2, or delete the line"

func (p *parser) deviation(label, rest string) error {
	left, right, ok := strings.Cut(rest, "=")
	if !ok {
		return fmt.Errorf("a deviation needs an answer after an equals sign: %s", example)
	}
	count, ok := strings.CutPrefix(strings.TrimSpace(left), "#")
	if !ok {
		return fmt.Errorf("a deviation begins with its label and its occurrence: %s", example)
	}
	count = strings.TrimSpace(count)
	occurrence, err := strconv.ParseInt(count, 10, 32)
	if err != nil || occurrence < 1 {
		return fmt.Errorf("the occurrence %q is not a whole number from 1 to %d: %s",
			count, MaxAnswers, example)
	}
	number, note, _ := strings.Cut(right, "#")
	number = strings.TrimSpace(number)
	answer, err := strconv.ParseInt(number, 10, 32)
	if err != nil || answer < 0 || answer >= MaxAnswers {
		return fmt.Errorf("the answer %q is not a whole number from 1 to %d: %s",
			number, MaxAnswers-1, example)
	}
	if answer == 0 {
		return errors.New("answer 0 is what the choice gives anyway: delete the line")
	}
	d := Deviation{Label: label, Occurrence: int(occurrence), Answer: int(answer), Note: oneLine(note)}
	id := fmt.Sprintf("%s#%d", label, occurrence)
	if first := p.seen[id]; first > 0 {
		return fmt.Errorf("line %d answers %s#%d already: delete one of them",
			first, quoteLabel(label), occurrence)
	}
	p.seen[id] = p.number
	p.out.Deviations = append(p.out.Deviations, d)
	return nil
}

// cutLabel splits a line after its label, which may be a quoted Go string.
func cutLabel(line string) (label, rest string, err error) {
	if strings.HasPrefix(line, `"`) {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return "", "", fmt.Errorf("the quoted label does not end: %s", example)
		}
		label, err = strconv.Unquote(quoted)
		if err != nil {
			return "", "", fmt.Errorf("the quoted label is not a Go string: %s", example)
		}
		return label, line[len(quoted):], nil
	}
	end := strings.IndexAny(line, "#=")
	if end < 0 {
		return line, "", nil
	}
	if label = strings.TrimSpace(line[:end]); label == "" {
		return "", "", fmt.Errorf("the label is missing: %s", example)
	}
	return label, line[end:], nil
}

// clip keeps a message readable when a line is not.
func clip(line string) string {
	const limit = 120
	if len(line) <= limit {
		return line
	}
	return strings.ToValidUTF8(line[:limit], "") + "…"
}
