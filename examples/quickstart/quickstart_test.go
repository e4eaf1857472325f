package main

import (
	"testing"

	"github.com/reprise-dst/reprise/properties"
	"pgregory.net/rapid"
)

func TestBook(t *testing.T) {
	properties.Check(t, properties.Config[Trip, string]{
		World:  properties.WithoutWorld(Book),
		Inputs: rapid.Make[Trip](),
	})
}
