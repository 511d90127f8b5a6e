// Package tags chooses which tag of a repository a container should move to.
//
// Without a Policy a container follows the tag it was created with, wherever that
// points. With one it follows versions: of a repository's tags that say a version
// in the same way ("1.25-alpine": two numbers, and what comes after them) the
// highest within a range.
//
//	p, err := tags.Parse("semver:^1.2")
//	...
//	tag, newer, err := p.Choose("1.2.3", list)
//
// A pre-release is chosen only for a container that runs one. Of what comes after
// the version, builds ("1.2.3-4", "1.2.3-debian-12-r7", "1.2.3-ls45",
// "17.0.11_9-jre") and Alpine's version may go up; any other number says what the
// image is, and stays: "9-jdk-17" never becomes "9-jdk-21".
package tags
