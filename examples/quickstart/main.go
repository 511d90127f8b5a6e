// Quickstart makes one pass over the containers of the default engine and says
// what it did.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/watchtower-go/watchtower"
)

func main() {
	tower, err := watchtower.New(watchtower.WithCleanup(true))
	if err != nil {
		log.Fatal(err)
	}
	report, err := tower.Update(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range report.Entries {
		fmt.Println(e.Container.Name, e.Status, e.Reason)
	}
}
