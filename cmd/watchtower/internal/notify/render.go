package notify

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"text/template"
	tree "text/template/parse"
	"time"
)

const (
	// mostText is far more than any service takes.
	mostText = 1 << 20
	// mostTime is far more than a report takes, of a thousand containers on a small host.
	mostTime = 3 * time.Second
	// stepName is the function that is called at each step of a template.
	stepName = "_step"
)

// bounded is a text that is refused once it is too long: a template may go round for
// ever.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(text []byte) (int, error) {
	if b.Len()+len(text) > mostText {
		return 0, errLong
	}
	return b.Buffer.Write(text)
}

var (
	errLong = fmt.Errorf("its text has more than %d bytes", mostText)
	errSlow = fmt.Errorf("it takes more than %v", mostTime)
)

// sized refuses a text that is too long.
func sized(text string, err error) (string, error) {
	if err == nil && len(text) > mostText {
		return "", errLong
	}
	return text, err
}

// countSteps has the template call a function each time it goes round and each time it
// calls a template: it has no end of its own, and nothing ends it from outside.
func countSteps(t *template.Template) error {
	call, err := template.New("step").Funcs(functions()).Parse("{{" + stepName + "}}")
	if err != nil {
		return err
	}
	step := call.Root.Nodes[0]
	for _, t := range t.Templates() {
		if t.Tree != nil {
			begin(t.Root, step)
			throughout(t.Root, step)
		}
	}
	return nil
}

func begin(list *tree.ListNode, step tree.Node) {
	list.Nodes = append([]tree.Node{step}, list.Nodes...)
}

// throughout puts the step into whatever goes round.
func throughout(list *tree.ListNode, step tree.Node) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *tree.IfNode:
			throughout(node.List, step)
			throughout(node.ElseList, step)
		case *tree.WithNode:
			throughout(node.List, step)
			throughout(node.ElseList, step)
		case *tree.RangeNode:
			begin(node.List, step)
			throughout(node.List, step)
			throughout(node.ElseList, step)
		}
	}
}

// render gives nothing for a text of white space.
func render(t *template.Template, data any) (string, error) {
	t, err := t.Clone()
	if err != nil {
		return "", err
	}
	deadline := time.Now().Add(mostTime)
	t.Funcs(template.FuncMap{stepName: func() (string, error) {
		if time.Now().After(deadline) {
			return "", errSlow
		}
		return "", nil
	}})
	var b bounded
	err = t.Execute(&b, data)
	for _, limit := range []error{errLong, errSlow} {
		if errors.Is(err, limit) {
			return "", limit // without where it was just then
		}
	}
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(b.String()) == "" {
		return "", nil
	}
	return b.String(), nil
}
