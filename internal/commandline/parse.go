package commandline

import (
	"fmt"
	"slices"
	"strings"
)

// Option is one option. Set is called each time that it is met, in the order of
// the command line; an error of it ends the reading.
type Option struct {
	Names []string // with their hyphens: "-a", "--account"
	Value bool     // it has a value; otherwise Set is called with ""
	Set   func(value string) error
}

// Parse reads args and returns what is no option. What stands behind "--" is
// none, nor is "-". The error is that of a Set, as it is, or names the option
// that cannot be understood.
func Parse(args []string, options []Option) (others []string, err error) {
	p := parser{args: args, options: options}
	for len(p.args) > 0 {
		arg := p.args[0]
		p.args = p.args[1:]
		switch {
		case arg == "--":
			return append(others, p.args...), nil
		case strings.HasPrefix(arg, "--"):
			err = p.long(arg)
		case len(arg) > 1 && arg[0] == '-':
			err = p.short(arg[1:])
		default:
			others = append(others, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return others, nil
}

type parser struct {
	args    []string // not read yet
	options []Option
}

// long reads one option, whose value may stand behind =.
func (p *parser) long(arg string) error {
	name, value, given := strings.Cut(arg, "=")
	name, o, err := p.find(name)
	switch {
	case err != nil:
		return err
	case o.Value && !given:
		if value, err = p.next(name); err != nil {
			return err
		}
	case !o.Value && given:
		return fmt.Errorf("%s takes no value", name)
	}
	return o.Set(value)
}

// short reads options of one letter each, written together. What follows one
// that has a value is the value.
func (p *parser) short(letters string) error {
	for letters != "" {
		r := []rune(letters)[0]
		name := "-" + string(r)
		_, o, err := p.find(name)
		if err != nil {
			return err
		}
		letters = strings.TrimPrefix(letters, string(r))
		value := ""
		if o.Value {
			if value, letters = letters, ""; value == "" {
				if value, err = p.next(name); err != nil {
					return err
				}
			}
		}
		if err := o.Set(value); err != nil {
			return err
		}
	}
	return nil
}

// next takes the argument that follows, whatever it looks like.
func (p *parser) next(name string) (string, error) {
	if len(p.args) == 0 {
		return "", fmt.Errorf("%s wants a value", name)
	}
	value := p.args[0]
	p.args = p.args[1:]
	return value, nil
}

// find returns an option and its full name. A long one may be shortened as far
// as it is the only one that begins so.
func (p *parser) find(name string) (string, *Option, error) {
	var found []string
	var option *Option
	for i := range p.options {
		o := &p.options[i]
		if slices.Contains(o.Names, name) {
			return name, o, nil
		}
		for _, n := range o.Names {
			if len(name) > 2 && strings.HasPrefix(n, name) {
				found, option = append(found, n), o
			}
		}
	}
	switch len(found) {
	case 0:
		return "", nil, fmt.Errorf("there is no option %s", name)
	case 1:
		return found[0], option, nil
	}
	slices.Sort(found)
	return "", nil, fmt.Errorf("%s may be any of %s", name, strings.Join(found, ", "))
}
