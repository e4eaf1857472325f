package durable

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJSONDecodesAsTheStandardLibraryDoes: values and errors are those of json.Unmarshal, whatever was
// decoded before.
func TestJSONDecodesAsTheStandardLibraryDoes(t *testing.T) {
	long := `"` + strings.Repeat("x", 600) + `"`
	tooLong := `"` + strings.Repeat("x", maxPooled) + `"`
	for range 3 {
		for _, text := range []string{
			`{"ID":"x","Count":5}`, "1", "-1.5e3", "true", "null", `""`, "[]", "[1,2]", long, tooLong, `[{},[]]`,
			" 1", "1 ", "1\n", "\t{}\r\n", `{"ID":7}`, `{"Count":"x"}`,
			"1 2", "1,", "{}{}", "[1", `{"ID":`, `"x`, "tru", "-", "nulL", "]", `{"ID":"x"} x`,
		} {
			requireSame[any](t, text)
			requireSame[int](t, text)
			requireSame[string](t, text)
			requireSame[*counted](t, text)
			requireSame[map[string]any](t, text)
			requireSame[json.RawMessage](t, text)
		}
	}
	require.ErrorContains(t, JSON().Decode([]byte(" "), new(int)), "no data where a JSON value of type *int")
}

func requireSame[T any](t *testing.T, text string) {
	var want, got T
	wrong := json.Unmarshal([]byte(text), &want)
	err := JSON().Decode([]byte(text), &got)
	require.Equal(t, fmt.Sprint(wrong), fmt.Sprint(err), "%s", text)
	if wrong == nil {
		require.Equal(t, want, got, "%s", text)
	}
}
