package durable

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"sync"
)

// Codec turns inputs, step arguments and results into bytes and back. Encode must be deterministic: equal
// values give equal bytes, on every machine and in every version of the program that shares the store,
// because a replay recognises an operation by the fingerprint of its encoded argument.
type Codec interface {
	// Encode returns the bytes of a value, or why it has none.
	Encode(value any) ([]byte, error)
	// Decode sets what into points to from bytes that Encode made, or says why it can't.
	Decode(data []byte, into any) error
}

// JSON is the default codec: encoding/json, which sorts map keys and so is deterministic.
func JSON() Codec { return jsonCodec{} }

type jsonCodec struct{}

func (jsonCodec) Encode(value any) ([]byte, error) {
	if p := plainOf(reflect.TypeOf(value)); p != nil {
		if data, ok := p.encode(value); ok {
			return data, nil
		}
	}
	return json.Marshal(value)
}

func (jsonCodec) Decode(data []byte, into any) error {
	if t := reflect.TypeOf(into); t != nil && t.Kind() == reflect.Pointer {
		if p := plainOf(t.Elem()); p != nil && p.decode(data, into) {
			return nil
		}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("no data where a JSON value of type %T was recorded", into)
	}
	if len(data) > maxPooled {
		return json.Unmarshal(data, into)
	}
	d := decoders.Get().(*decoder)
	if !d.decode(data, into) {
		return json.Unmarshal(data, into) // which says what is wrong; the decoder is of no more use
	}
	decoders.Put(d)
	return nil
}

// decoder reads values from a stream of lines, which never ends as long as each line is a value. It saves
// what json.Unmarshal allocates, a quarter of the time that small values take.
type decoder struct {
	stream *json.Decoder
	line   []byte // what is left of it, without its end
	ended  bool   // the end of the line has been read
	read   int64  // bytes of all lines
}

// maxPooled bounds what is decoded by decoders that are kept, and with that their buffers.
const maxPooled = 4 << 10

var decoders = sync.Pool{New: func() any {
	d := &decoder{}
	d.stream = json.NewDecoder(d)
	return d
}}

// decode reports false when data is not one value that fits, and nothing else. The decoder is then unusable.
func (d *decoder) decode(data []byte, into any) bool {
	d.line, d.ended = data, false
	d.read += int64(len(data)) + 1
	err := d.stream.Decode(into)
	d.line = nil
	return err == nil && d.stream.InputOffset() == d.read-1
}

// Read is the stream's source.
func (d *decoder) Read(p []byte) (int, error) {
	n := copy(p, d.line)
	d.line = d.line[n:]
	switch {
	case d.ended:
		return 0, io.EOF
	case n < len(p):
		p[n] = '\n'
		n, d.ended = n+1, true
	}
	return n, nil
}

// maxPayload bounds the encoded arguments, results and progress of steps, in bytes.
const maxPayload = 16 << 20

// encodeBounded encodes a value that goes into the store.
func encodeBounded(codec Codec, value any) ([]byte, error) {
	data, err := codec.Encode(value)
	if err == nil && len(data) > maxPayload {
		return nil, fmt.Errorf("it encodes to %d bytes, at most %d are allowed; keep it elsewhere and pass on "+
			"where it is", len(data), maxPayload)
	}
	return data, err
}
