package api

import (
	"embed"
	"encoding/xml"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed org.offlineimap.*.xml standard/*.xml
var files embed.FS

// Own are the interfaces whose XML is ours; Standard are those of others, that
// the daemon serves as well.
var (
	Own      = []string{ManagerInterface, AccountInterface, JobInterface, AgentInterface}
	Standard = []string{PropertiesInterface, IntrospectableInterface, PeerInterface, ObjectManagerInterface, LogControlInterface}
)

// XML returns the introspection document of an interface in Own or Standard, as
// it is installed; "" for any other.
func XML(iface string) string {
	name := iface + ".xml"
	if slices.Contains(Standard, iface) {
		name = path.Join("standard", name)
	}
	b, err := files.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}

// element returns the <interface> element of an interface's XML, with its
// indentation, to be put into the document of an object; "" as for XML.
func element(iface string) string {
	doc := XML(iface)
	from := strings.Index(doc, "  <interface ")
	to := strings.LastIndex(doc, "</node>")
	if from < 0 || to < from {
		return ""
	}
	return doc[from:to]
}

// Introspection returns the document of an object that has the interfaces, and
// the children, each by the last element of its path.
func Introspection(interfaces, children []string) string {
	var b strings.Builder
	b.WriteString(doctype + "<node>\n")
	for _, i := range interfaces {
		b.WriteString(element(i))
	}
	for _, c := range children {
		// Path elements consist of letters, digits and underscores.
		b.WriteString("  <node name=\"" + c + "\"/>\n")
	}
	b.WriteString("</node>\n")
	return b.String()
}

const doctype = `<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
`

// Interface is what the XML says of an interface.
type Interface struct {
	Name       string     `xml:"name,attr"`
	Methods    []Method   `xml:"method"`
	Signals    []Signal   `xml:"signal"`
	Properties []Property `xml:"property"`
}

// Method is a method of an Interface.
type Method struct {
	Name string `xml:"name,attr"`
	Args []Arg  `xml:"arg"`
}

// Signal is a signal of an Interface.
type Signal struct {
	Name string `xml:"name,attr"`
	Args []Arg  `xml:"arg"`
}

// Property is a property of an Interface.
type Property struct {
	Name        string       `xml:"name,attr"`
	Type        string       `xml:"type,attr"`
	Access      string       `xml:"access,attr"`
	Annotations []Annotation `xml:"annotation"`
}

// Arg is an argument of a Method or Signal.
type Arg struct {
	Name      string `xml:"name,attr"`
	Type      string `xml:"type,attr"`
	Direction string `xml:"direction,attr"`
}

// Annotation is a remark on a Property.
type Annotation struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// In is the signature of the arguments of a call.
func (m Method) In() string { return signature(m.Args, "in") }

// Out is the signature of the results of a call.
func (m Method) Out() string { return signature(m.Args, "out") }

// Signature is that of a signal's arguments.
func (s Signal) Signature() string { return signature(s.Args, "") }

func signature(args []Arg, direction string) string {
	var s string
	for _, a := range args {
		if a.Direction == direction {
			s += a.Type
		}
	}
	return s
}

// Emits tells whether PropertiesChanged says when the property changes.
func (p Property) Emits() bool {
	for _, a := range p.Annotations {
		if a.Name == "org.freedesktop.DBus.Property.EmitsChangedSignal" {
			return a.Value == "true"
		}
	}
	return true
}

// Writable tells whether Set may be called for the property.
func (p Property) Writable() bool { return p.Access == "readwrite" || p.Access == "write" }

// Parse reads the XML of an interface in Own or Standard.
func Parse(iface string) (*Interface, error) {
	var doc struct {
		Interfaces []Interface `xml:"interface"`
	}
	if err := xml.Unmarshal([]byte(XML(iface)), &doc); err != nil {
		return nil, fmt.Errorf("read the XML of %s: %w", iface, err)
	}
	if len(doc.Interfaces) != 1 || doc.Interfaces[0].Name != iface {
		return nil, fmt.Errorf("read the XML of %s: it does not describe that interface alone", iface)
	}
	return &doc.Interfaces[0], nil
}
