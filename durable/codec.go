package durable

import (
	"bytes"
	"encoding/json"
	"fmt"
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

func (jsonCodec) Encode(value any) ([]byte, error) { return json.Marshal(value) }

func (jsonCodec) Decode(data []byte, into any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("no data where a JSON value of type %T was recorded", into)
	}
	return json.Unmarshal(data, into)
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
