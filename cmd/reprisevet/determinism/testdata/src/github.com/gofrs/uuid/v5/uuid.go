// Package uuid has a few signatures of github.com/gofrs/uuid.
package uuid

type UUID [16]byte

func (u UUID) String() string { return "" }

var DefaultGenerator Generator

type Generator interface{ NewV4() (UUID, error) }

func NewV4() (UUID, error)               { return DefaultGenerator.NewV4() }
func NewV5(space UUID, name string) UUID { return space }
