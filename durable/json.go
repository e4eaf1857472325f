package durable

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// plainJSON is how values of a type are written as encoding/json writes them, and read back, without what
// that does for all other types. It is for strings, booleans, integers and structs of them, and gives up on
// whatever is not as usual: then encoding/json decides. A replay encodes an argument and decodes a result for
// each step.
type plainJSON struct {
	kind   reflect.Kind
	fields []plainField // of a struct, those that are encoded
}

type plainField struct {
	index int
	lead  string // what stands before the value: {"name": or ,"name":
	value *plainJSON
}

// encode returns what json.Marshal makes of value, false when it can't.
func (p *plainJSON) encode(value any) ([]byte, bool) {
	var small [256]byte
	buf, ok := p.append(small[:0], reflect.ValueOf(value))
	if !ok {
		return nil, false
	}
	return append(make([]byte, 0, len(buf)), buf...), true
}

// decode does to into, a pointer, what json.Unmarshal does. It reports false when it can't.
func (p *plainJSON) decode(data []byte, into any) bool {
	v := reflect.ValueOf(into)
	if v.IsNil() {
		return false
	}
	rest, ok := p.read(data, v.Elem())
	return ok && len(rest) == 0
}

// plainTypes holds the *plainJSON of each type, nil for types that are left to encoding/json.
var plainTypes sync.Map

func plainOf(t reflect.Type) *plainJSON {
	if t == nil {
		return nil
	}
	if p, ok := plainTypes.Load(t); ok {
		return p.(*plainJSON)
	}
	p, _ := plainTypes.LoadOrStore(t, newPlain(t))
	return p.(*plainJSON)
}

// encodesItself are the interfaces that encoding/json asks values for.
var encodesItself = []reflect.Type{
	reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
	reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
}

func newPlain(t reflect.Type) *plainJSON {
	for _, itself := range encodesItself {
		if t.Implements(itself) || reflect.PointerTo(t).Implements(itself) {
			return nil
		}
	}
	p := &plainJSON{kind: t.Kind()}
	switch {
	case t == reflect.TypeFor[json.Number]():
		return nil // a string that is written as a number
	case p.kind == reflect.Struct:
		return p.addFields(t)
	case p.kind == reflect.String || p.kind == reflect.Bool || p.isInt() || p.isUint():
		return p
	}
	return nil
}

func (p *plainJSON) isInt() bool  { return reflect.Int <= p.kind && p.kind <= reflect.Int64 }
func (p *plainJSON) isUint() bool { return reflect.Uint <= p.kind && p.kind <= reflect.Uintptr }

func (p *plainJSON) addFields(t reflect.Type) *plainJSON {
	names := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("json")
		if f.Anonymous || strings.Contains(name, ",") {
			return nil
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		value := newPlain(f.Type)
		if value == nil || !isWord(name) || names[name] {
			return nil
		}
		names[name] = true
		lead := `,"` + name + `":`
		if len(p.fields) == 0 {
			lead = `{` + lead[1:]
		}
		p.fields = append(p.fields, plainField{i, lead, value})
	}
	return p
}

// isWord reports whether a name has only characters that JSON and the tags of fields take as they are.
func isWord(name string) bool {
	for _, c := range []byte(name) {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name != ""
}

// append appends what json.Marshal makes of v. It reports false when it can't.
func (p *plainJSON) append(buf []byte, v reflect.Value) ([]byte, bool) {
	switch {
	case p.kind == reflect.String:
		s := v.String()
		for i := range len(s) {
			if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
				return buf, false
			}
		}
		return append(append(append(buf, '"'), s...), '"'), true
	case p.kind == reflect.Bool:
		return strconv.AppendBool(buf, v.Bool()), true
	case p.isInt():
		return strconv.AppendInt(buf, v.Int(), 10), true
	case p.isUint():
		return strconv.AppendUint(buf, v.Uint(), 10), true
	}
	for i := range p.fields {
		f, ok := &p.fields[i], false
		if buf, ok = f.value.append(append(buf, f.lead...), v.Field(f.index)); !ok {
			return buf, false
		}
	}
	if len(p.fields) == 0 {
		buf = append(buf, '{')
	}
	return append(buf, '}'), true
}

// read sets v to the value that data begins with, as json.Unmarshal would, and returns what is behind. It
// reports false when it can't; it may then have set a part of v that json.Unmarshal sets alike.
func (p *plainJSON) read(data []byte, v reflect.Value) (rest []byte, ok bool) {
	if p.kind != reflect.Struct {
		return p.readScalar(data, v)
	}
	for i := range p.fields {
		f := &p.fields[i]
		if len(data) < len(f.lead) || string(data[:len(f.lead)]) != f.lead {
			return nil, false
		}
		if data, ok = f.value.read(data[len(f.lead):], v.Field(f.index)); !ok {
			return nil, false
		}
	}
	if len(p.fields) == 0 && len(data) > 0 && data[0] == '{' {
		data = data[1:]
	} else if len(p.fields) == 0 {
		return nil, false
	}
	if len(data) == 0 || data[0] != '}' {
		return nil, false
	}
	return data[1:], true
}

func (p *plainJSON) readScalar(data []byte, v reflect.Value) (rest []byte, ok bool) {
	switch {
	case p.kind == reflect.String:
		if len(data) == 0 || data[0] != '"' {
			return nil, false
		}
		for i, c := range data[1:] {
			if c == '"' {
				v.SetString(string(data[1 : i+1]))
				return data[i+2:], true
			}
			if c < ' ' || c > '~' || c == '\\' {
				return nil, false
			}
		}
		return nil, false
	case p.kind == reflect.Bool:
		for _, b := range []bool{true, false} {
			if text := strconv.FormatBool(b); len(data) >= len(text) && string(data[:len(text)]) == text {
				v.SetBool(b)
				return data[len(text):], true
			}
		}
		return nil, false
	}
	return p.readNumber(data, v)
}

func (p *plainJSON) readNumber(data []byte, v reflect.Value) (rest []byte, ok bool) {
	negative := len(data) > 0 && data[0] == '-'
	if negative {
		data = data[1:]
	}
	n, digits := uint64(0), 0
	for digits < len(data) && '0' <= data[digits] && data[digits] <= '9' {
		n = 10*n + uint64(data[digits]-'0')
		digits++
	}
	switch {
	case digits == 0 || digits > 18 || digits > 1 && data[0] == '0': // 18 digits fit into an int64
		return nil, false
	case digits < len(data) && data[digits] != ',' && data[digits] != '}':
		return nil, false // a fraction, or an exponent
	case p.isUint():
		if negative || v.OverflowUint(n) {
			return nil, false
		}
		v.SetUint(n)
	default:
		i := int64(n)
		if negative {
			i = -i
		}
		if v.OverflowInt(i) {
			return nil, false
		}
		v.SetInt(i)
	}
	return data[digits:], true
}
