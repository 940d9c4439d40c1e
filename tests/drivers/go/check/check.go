// Package check reports what was checked: one line each; a failure ends the program.
package check

import (
	"fmt"
	"os"
	"reflect"
)

// That runs a check.
func That(what string, body func()) {
	body()
	fmt.Println("ok", what)
}

// Same ends the program unless both are equal.
func Same(found, expected interface{}) {
	if !reflect.DeepEqual(found, expected) {
		fail("expected %v, found %v", expected, found)
	}
}

// Must ends the program at an error.
func Must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, values ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	panic("the check failed")
}
