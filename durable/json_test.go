package durable

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type (
	plainInner struct {
		Done bool
		N    uint8 `json:"n"`
	}
	plainOuter struct {
		ID    string
		Count int        `json:"count_1"`
		Skip  int        `json:"-"`
		In    plainInner `json:",omitempty" yaml:"x"`
	}
	plainWhole struct {
		ID     string `json:"id"`
		hidden int
		Small  int8
		In     plainInner
		Wait   time.Duration
		Skip   chan int `json:"-"`
	}
	plainTwice struct {
		A int `json:"B"`
		B int
	}
	plainNone  struct{}
	plainName  string
	plainLoud  string
	plainLouds struct{ L plainLoud }
)

func (l *plainLoud) UnmarshalText(text []byte) error {
	*l = plainLoud(strings.ToUpper(string(text)))
	return nil
}

// plainTried are values of the types whose JSON is tried, and whether it is written without encoding/json.
var plainTried = []struct {
	value any
	plain bool
}{
	{plainWhole{}, true},
	{plainInner{}, true},
	{plainNone{}, true},
	{"", true},
	{plainName(""), true},
	{false, true},
	{0, true},
	{int8(0), true},
	{uint64(0), true},
	{time.Duration(0), true},
	{plainOuter{}, false}, // omitempty
	{plainTwice{}, false}, // one name twice
	{plainLoud(""), false},
	{plainLouds{}, false},
	{json.Number("1"), false},
	{struct{ F float64 }{}, false},
	{struct{ plainInner }{}, false},
	{[]int{}, false},
	{map[string]int{}, false},
	{&plainInner{}, false},
	{time.Time{}, false},
}

func TestWhatIsPlainJSON(t *testing.T) {
	for _, tried := range plainTried {
		require.Equal(t, tried.plain, plainOf(reflect.TypeOf(tried.value)) != nil, "%T", tried.value)
	}
	require.Nil(t, plainOf(nil))
}

// likeJSON compares the codec with encoding/json: on the bytes of a value, and on the value of bytes.
func likeJSON(t require.TestingT, value any) (data []byte) {
	data, err := json.Marshal(value)
	require.NoError(t, err)
	got, err := JSON().Encode(value)
	require.NoError(t, err)
	require.Equal(t, string(data), string(got))
	readLikeJSON(t, data, value)
	return data
}

func readLikeJSON(t require.TestingT, data []byte, value any) {
	want, got := reflect.New(reflect.TypeOf(value)), reflect.New(reflect.TypeOf(value))
	wantErr := json.Unmarshal(data, want.Interface())
	err := JSON().Decode(data, got.Interface())
	require.Equal(t, wantErr == nil, err == nil, "%s into %T: %v, not %v", data, value, err, wantErr)
	if err == nil {
		require.Equal(t, want.Elem().Interface(), got.Elem().Interface(), "%s", data)
	}
}

// TestPlainJSONIsJSON: values and texts of all kinds are encoded and decoded as encoding/json does it.
func TestPlainJSONIsJSON(t *testing.T) {
	texts := []string{
		``, ` `, `{}`, `{"id":"a"}`, `{"ID":"a"}`, `{"id":"a","Small":1,"In":{"Done":true,"n":2},"Wait":3}`,
		`{"id":"a","Small":1,"In":{"Done":true,"n":2},"Wait":3,"id":"b"}`, `{"id":"a","Small":300}`,
		`{"id":null,"Small":1}`, `{"id":"a" ,"Small":1}`, `{"id":"\u0041","Small":1}`, `{"id":"ü"}`,
		"{\"id\":\"\xff\"}", `{"Done":true,"n":7}`, `{"done":true,"N":7}`, `{"Done":truex}`, `{"Done":tru`,
		`{"Done":false,"n":256}`, `{"Done":false,"n":-1}`, `{"Done":false,"n":-0}`, `{"Done":false,"n":1.0}`,
		`{"Done":false,"n":1e1}`, `{"Done":false,"n":1}}`, `{"Done":false,"n":01}`, `{"Done":false,"n":}`,
		`1`, `-1`, `-0`, `00`, `-`, `1 `, `127`, `128`, `-128`, `-129`, `1.5`, `1e2`, `999999999999999999`,
		`9223372036854775807`, `9223372036854775808`, `18446744073709551615`, `18446744073709551616`,
		`"`, `"a`, `"a"`, `"a"b`, `"a\"b"`, "\"a\nb\"", "\"\x7f\"", `null`, `true`, `false`, `truefalse`, `[1]`, `{`, `}`,
	}
	for _, tried := range plainTried {
		for _, text := range texts {
			readLikeJSON(t, []byte(text), tried.value)
		}
	}
	for _, s := range []string{"", "a b~", `"`, `\`, "<", ">", "&", "\n", "\x00", "\x7f", "ü", "\xff", "\u2028"} {
		likeJSON(t, s)
		likeJSON(t, plainWhole{ID: s})
	}
	for _, n := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1e17, 1e18} {
		likeJSON(t, n)
		likeJSON(t, uint64(n))
		likeJSON(t, plainWhole{Wait: time.Duration(n), Small: int8(n), hidden: 0})
	}
}

// TestPlainJSONOfAnyValue: values as rapid draws them, and their bytes with one of them changed.
func TestPlainJSONOfAnyValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := plainWhole{
			ID:    rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`)).Draw(t, "id"),
			Small: rapid.Int8().Draw(t, "small"),
			In:    plainInner{rapid.Bool().Draw(t, "done"), rapid.Uint8().Draw(t, "n")},
			Wait:  time.Duration(rapid.Int64().Draw(t, "wait")),
		}
		data := likeJSON(t, value)
		at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
		data[at] = rapid.OneOf(rapid.SampledFrom([]byte("0123456789-.,:{}\"\\ eE")), rapid.Byte()).Draw(t, "byte")
		readLikeJSON(t, data, value)
	})
}
