package quickstart_test

import (
	"testing"

	"github.com/reprise-dst/reprise/examples/quickstart"
	"github.com/reprise-dst/reprise/properties"
	"pgregory.net/rapid"
)

func TestBook(t *testing.T) {
	properties.Check(t, properties.Config[quickstart.Trip, string]{
		World:  properties.WithoutWorld(quickstart.Book),
		Inputs: rapid.Make[quickstart.Trip](),
	})
}
