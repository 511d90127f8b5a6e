package tags_test

import (
	"fmt"

	"github.com/watchtower-go/watchtower/tags"
)

func ExampleParse() {
	p, err := tags.Parse("semver:^1.25")
	if err != nil {
		panic(err)
	}
	tag, newer, err := p.Choose("1.25-alpine", []string{"1.27", "1.27-alpine", "1.28rc1-alpine", "2.0-alpine", "latest"})
	fmt.Println(tag, newer, err)
	// Output: 1.27-alpine true <nil>
}
