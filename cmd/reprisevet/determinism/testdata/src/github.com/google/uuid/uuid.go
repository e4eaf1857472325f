// Package uuid has a few signatures of github.com/google/uuid.
package uuid

import (
	"crypto/rand"
	"io"
)

type UUID [16]byte

func (u UUID) String() string { return "" }

var NameSpaceURL UUID

func New() UUID                    { return Must(NewRandom()) }
func NewString() string            { return New().String() }
func Parse(s string) (UUID, error) { return UUID{}, nil }

func NewSHA1(space UUID, data []byte) UUID { return space }

func NewRandom() (UUID, error) {
	var u UUID
	_, err := io.ReadFull(rand.Reader, u[:])
	return u, err
}

func Must(u UUID, err error) UUID {
	if err != nil {
		panic(err)
	}
	return u
}
