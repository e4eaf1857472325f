package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Kinds of errors that users write.
type (
	pointerError struct{ Code int }
	valueError   struct{ Code int }
	listError    []string // not comparable
	hiddenError  struct{ text string }
	outerError   struct {
		Op  string
		Err error
	}
	closedError struct { // wraps, but does not show what
		Op  string
		err error
	}
	claimsError struct{ Of string }
	aliasError  struct{}
	looseError  struct{ any } // of a comparable type, with values that are not
	fragile     struct{ text *string }
	loopError   struct{ Err error }
	boastful    struct{ Values map[string]any }
)

var (
	errSentinel = errors.New("failure_test: sentinel")
	errOther    = errors.New("failure_test: other")
	errUnknown  = errors.New("failure_test: not registered")
)

func (e valueError) Error() string         { return fmt.Sprint("value ", e.Code) }
func (e listError) Error() string          { return strings.Join(e, ";") }
func (e *hiddenError) Error() string       { return "hidden " + e.text }
func (e *outerError) Error() string        { return e.Op + ": " + e.Err.Error() }
func (e *outerError) Unwrap() error        { return e.Err }
func (e *closedError) Error() string       { return fmt.Sprint(e.Op, ": ", e.err) }
func (e *closedError) Unwrap() error       { return e.err }
func (e claimsError) Error() string        { return "claims to be " + e.Of }
func (e claimsError) Is(target error) bool { return target.Error() == e.Of }
func (aliasError) Error() string           { return "alias" }
func (aliasError) As(target any) bool      { return setPointer(target, 41) }
func (e looseError) Error() string         { return fmt.Sprint("loose ", e.any) }
func (e *fragile) Error() string           { return "fragile " + *e.text }
func (e *loopError) Error() string         { return "loop" }
func (e *loopError) Unwrap() error         { return e }
func (e boastful) Error() string           { return fmt.Sprint(e.Values["n"]) }
func (e *pointerError) Error() string {
	if e == nil {
		return "no pointer"
	}
	return fmt.Sprint("pointer ", e.Code)
}

func setPointer(target any, code int) (is bool) {
	p, is := target.(**pointerError)
	if is {
		*p = &pointerError{code}
	}
	return is
}

func init() {
	RegisterError(errSentinel, errOther)
	RegisterErrorType[*pointerError]()
	RegisterErrorType[valueError]()
	RegisterErrorType[listError]()
	RegisterErrorType[*hiddenError]()
	RegisterErrorType[*outerError]()
	RegisterErrorType[*closedError]()
	RegisterErrorType[*fragile]()
	RegisterErrorType[*loopError]()
	RegisterErrorType[boastful]()
	RegisterErrorType[*fs.PathError]()
}

// travelled is the error after its way through the journal.
func travelled(t require.TestingT, err error) error {
	f := recordFailure(err)
	data, jsonErr := json.Marshal(f)
	require.NoError(t, jsonErr)
	again := new(Failure)
	require.NoError(t, json.Unmarshal(data, again))
	live, replayed := f.err(), again.err()
	require.Equal(t, opinion(live), opinion(replayed), "live and replayed differ")
	second, jsonErr := json.Marshal(recordFailure(replayed))
	require.NoError(t, jsonErr)
	once := new(Failure)
	require.NoError(t, json.Unmarshal(second, once))
	require.Equal(t, opinion(live), opinion(once.err()), "a second journey changes it")
	return replayed
}

// opinion is everything that errors.Is and errors.As can say of an error about what is registered.
func opinion(err error) []string {
	say := []string{errorText(err)}
	for _, s := range []error{
		errSentinel, errOther, context.Canceled, context.DeadlineExceeded, io.EOF,
		fs.ErrNotExist,
	} {
		say = append(say, fmt.Sprintf("is %q: %t", s, errors.Is(err, s)))
	}
	var p *pointerError
	var v valueError
	var l listError
	var o *outerError
	var c *closedError
	var h *hiddenError
	var path *fs.PathError
	var panicked *PanicError
	return append(say,
		fmt.Sprint("pointer ", errors.As(err, &p), p), fmt.Sprint("value ", errors.As(err, &v), v),
		fmt.Sprint("list ", errors.As(err, &l), l), fmt.Sprint("outer ", errors.As(err, &o), o),
		fmt.Sprint("closed ", errors.As(err, &c)), fmt.Sprint("hidden ", errors.As(err, &h)),
		fmt.Sprint("path ", errors.As(err, &path), path), fmt.Sprint("panic ", errors.As(err, &panicked), panicked))
}

func chain(n int, err error) error {
	for i := range n {
		err = fmt.Errorf("%d: %w", i, err)
	}
	return err
}

func TestErrorsSayTheSameAfterTheirJourney(t *testing.T) {
	several := make([]error, 1000)
	for i := range several {
		several[i] = fmt.Errorf("part %d", i)
	}
	several[999] = errSentinel
	for name, err := range map[string]error{
		"plain":                 errors.New("plain"),
		"unregistered sentinel": errUnknown,
		"sentinel":              errSentinel,
		"wrapped":               fmt.Errorf("doing: %w", errSentinel),
		"wraps several":         fmt.Errorf("%w, %w and %w", errSentinel, &pointerError{3}, io.EOF),
		"joined":                errors.Join(errors.New("a"), fmt.Errorf("b: %w", errOther), valueError{4}),
		"joined in joined": errors.Join(errors.Join(errSentinel, nil),
			errors.Join(valueError{1}, valueError{2})),
		"pointer":                   &pointerError{5},
		"value":                     valueError{6},
		"not comparable":            listError{"a", "b"},
		"wraps not comparable":      fmt.Errorf("x: %w", listError{"a"}),
		"typed with an error field": &outerError{"read", fmt.Errorf("y: %w", errSentinel)},
		"typed, nested":             &outerError{"read", &outerError{"open", &pointerError{7}}},
		"standard library's":        &fs.PathError{Op: "open", Path: "/x", Err: syscall.ENOENT},
		"os.Open":                   func() error { _, err := os.Open("/none/of/these"); return err }(),
		"canceled":                  context.Canceled,
		"deadline":                  fmt.Errorf("asking: %w", context.DeadlineExceeded),
		"only claims to be it":      claimsError{errSentinel.Error()},
		"claims and wraps":          fmt.Errorf("%w, %w", claimsError{errSentinel.Error()}, errOther),
		"only converts to it":       aliasError{},
		"long chain":                chain(500, errors.Join(errSentinel, &pointerError{8})),
		"wide":                      errors.Join(several...),
		"nil pointer":               (*pointerError)(nil),
		"wraps a nil pointer":       errors.Join((*pointerError)(nil), errSentinel),
		"uncomparable inside":       errors.Join(looseError{[]int{1}}, errSentinel),
		"panics when asked":         &fragile{},
		"nil that panics":           (*fragile)(nil),
		"wraps what panics":         errors.Join(&fragile{}, errSentinel),
		"loses its text":            &hiddenError{"text"},
		"loses its cause":           &closedError{"read", errSentinel},
		"value JSON can't carry":    boastful{map[string]any{"n": func() {}}},
		"numbers change type":       boastful{map[string]any{"n": int64(1) << 60}},
		"not UTF-8":                 fmt.Errorf("bytes \xff\xfe: %w", errSentinel),
		"longest text":              fmt.Errorf("%s: %w", strings.Repeat("é", maxErrorText), errSentinel),
		"huge chain": chain(40,
			fmt.Errorf("%s: %w", strings.Repeat("x", maxErrorText-1000), errSentinel)),
		"panic": fmt.Errorf("p: %w", &PanicError{Value: "v", Stack: "s"}),
	} {
		t.Run(name, func(t *testing.T) {
			got := travelled(t, err)
			require.Equal(t, opinion(err), opinion(got))
			data, jsonErr := json.Marshal(recordFailure(err))
			require.NoError(t, jsonErr)
			require.Less(t, len(data), 4*maxErrorData, "the record has no bound")
		})
	}
}

func TestARegisteredTypeComesBackAsItself(t *testing.T) {
	require.Equal(t, &pointerError{5}, travelled(t, &pointerError{5}))
	require.Equal(t, valueError{6}, travelled(t, valueError{6}))
	require.Equal(t, listError{"a"}, travelled(t, listError{"a"}))
	require.Equal(t, &outerError{"read", errSentinel}, travelled(t, &outerError{"read", errSentinel}))
	require.Same(t, errSentinel, travelled(t, errSentinel))
	require.Nil(t, recordFailure(nil))
	require.NoError(t, (*Failure)(nil).err())
	require.NotPanics(t, func() { opinion(recordFailure((*outerError)(nil)).err()) })
	require.NotPanics(t, func() { opinion(recordFailure(&loopError{}).err()) }, "errors.Is would never end")
	require.NotPanics(t, func() { opinion(recordFailure((*RecordedError)(nil)).err()) })
	require.NotPanics(t, func() { opinion(recordFailure((*PanicError)(nil)).err()) })
	var f *fragile
	require.False(t, errors.As(travelled(t, &fragile{new(string)}), &f),
		"a value that can't say its text must not come back")
}

func TestTheOriginalErrorIsLeftAsItWas(t *testing.T) {
	err := &outerError{"read", errSentinel}
	travelled(t, err)
	require.Equal(t, &outerError{"read", errSentinel}, err)
}

// TestAnyTreeOfErrorsSaysTheSame grows trees of wrapped and joined errors.
func TestAnyTreeOfErrorsSaysTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		err := growError(t, 6)
		require.Equal(t, opinion(err), opinion(travelled(t, err)))
	})
}

func growError(t *rapid.T, depth int) error {
	kinds := 8
	if depth > 0 {
		kinds = 14
	}
	inner := func() error { return growError(t, depth-1) }
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return errors.New(rapid.String().Draw(t, "text"))
	case 1:
		return errSentinel
	case 2:
		return &pointerError{rapid.IntRange(0, 2).Draw(t, "code")}
	case 3:
		return valueError{rapid.IntRange(0, 2).Draw(t, "code")}
	case 4:
		return listError{"l"}
	case 5:
		return io.EOF
	case 6:
		return claimsError{errOther.Error()}
	case 7:
		return (*pointerError)(nil)
	case 8, 9:
		return fmt.Errorf("wrap: %w", inner())
	case 10:
		return errors.Join(inner(), inner())
	case 11:
		return fmt.Errorf("%w + %w", inner(), inner())
	case 12:
		return &outerError{"op", inner()}
	}
	return &closedError{"op", inner()}
}

func TestRegisteringWhatCantBeKnownIsRefused(t *testing.T) {
	require.PanicsWithValue(t, "durable.RegisterError: <nil> can't be a sentinel, since nothing is equal to "+
		"it; use a variable made with errors.New, or RegisterErrorType for a type of errors",
		func() { RegisterError(nil) })
	require.PanicsWithValue(t, `durable.RegisterError: durable.listError{"a"} can't be a sentinel, since nothing `+
		"is equal to it; use a variable made with errors.New, or RegisterErrorType for a type of errors",
		func() { RegisterError(listError{"a"}) })
	require.PanicsWithValue(t, "durable.RegisterError: two different errors have the text "+
		`"failure_test: sentinel"; `+"sentinels are known by their text, make it unique",
		func() { RegisterError(errors.New("failure_test: sentinel")) })
	require.PanicsWithValue(t, "durable.RegisterErrorType: error is not a named type, which is what journals "+
		"know errors by; register the types behind it", func() { RegisterErrorType[error]() })
	require.NotPanics(t, func() {
		RegisterError(errSentinel)
		RegisterErrorType[*pointerError]()
	}, "registering twice is harmless")
}
