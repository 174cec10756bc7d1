package server

import (
	"maps"
	"slices"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
)

// served are the interfaces that the server implements.
var served = slices.DeleteFunc(slices.Concat(api.Own, api.Standard), func(i string) bool { return i == api.AgentInterface })

func parse(t *testing.T, iface string) *api.Interface {
	t.Helper()
	i, err := api.Parse(iface)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestMethods holds the table of methods against the XML, both ways.
func TestMethods(t *testing.T) {
	for iface := range methods {
		if !slices.Contains(served, iface) {
			t.Errorf("%s has methods, and no XML", iface)
		}
	}
	for _, iface := range served {
		table := maps.Clone(methods[iface])
		for _, m := range parse(t, iface).Methods {
			got, ok := table[m.Name]
			if !ok {
				t.Errorf("%s.%s is in the XML only", iface, m.Name)
				continue
			}
			if got.in != m.In() || got.out != m.Out() {
				t.Errorf("%s.%s takes (%s) and returns (%s), in the XML (%s) and (%s)", iface, m.Name, got.in, got.out, m.In(), m.Out())
			}
			delete(table, m.Name)
		}
		for name := range table {
			t.Errorf("%s.%s is not in the XML", iface, name)
		}
	}
}

// TestProperties holds what GetAll returns against the XML, both ways.
func TestProperties(t *testing.T) {
	s := start(t, example())
	c := s.client()
	for path, iface := range map[string]string{
		api.Path:                    api.ManagerInterface,
		api.AccountPathOf("home"):   api.AccountInterface,
		api.AccountPathOf("work-2"): api.AccountInterface,
		api.JobPathOf(5):            api.JobInterface,
		api.JobPathOf(7):            api.JobInterface,
		api.LogControlPath:          api.LogControlInterface,
	} {
		all := c.must(path, api.PropertiesInterface+".GetAll", iface)[0].(map[string]dbus.Variant)
		for _, p := range parse(t, iface).Properties {
			v, ok := all[p.Name]
			if !ok {
				t.Errorf("%s.%s is in the XML only", iface, p.Name)
				continue
			}
			if v.Signature().String() != p.Type {
				t.Errorf("%s.%s is of type %s, in the XML %s", iface, p.Name, v.Signature(), p.Type)
			}
			one := c.must(path, api.PropertiesInterface+".Get", iface, p.Name)[0].(dbus.Variant)
			if one.Signature() != v.Signature() {
				t.Errorf("Get of %s.%s gives %s, GetAll %s", iface, p.Name, one, v)
			}
			if p.Writable() != (iface == api.LogControlInterface && p.Name != logIdentifier) {
				t.Errorf("%s.%s: writable is %v in the XML", iface, p.Name, p.Writable())
			}
			if !p.Writable() {
				c.fails(api.ErrorPropertyReadOnly, path, api.PropertiesInterface+".Set", iface, p.Name, dbus.MakeVariant("x"))
			}
			delete(all, p.Name)
		}
		for name := range all {
			t.Errorf("%s.%s is not in the XML", iface, name)
		}
		for _, standard := range everywhere {
			if rest := c.must(path, api.PropertiesInterface+".GetAll", standard)[0].(map[string]dbus.Variant); len(rest) > 0 {
				t.Errorf("%s at %s has the properties %v", standard, path, rest)
			}
		}
		c.fails(api.ErrorUnknownProperty, path, api.PropertiesInterface+".Get", iface, "Colour")
		c.fails(api.ErrorUnknownProperty, path, api.PropertiesInterface+".Set", iface, "Colour", dbus.MakeVariant("red"))
		c.fails(api.ErrorUnknownInterface, path, api.PropertiesInterface+".Get", "org.example.Other", "Colour")
	}
}

// TestManagedObjects compares the ObjectManager with the objects themselves.
func TestManagedObjects(t *testing.T) {
	s := start(t, example())
	c := s.client()
	all := c.must(api.Path, api.ObjectManagerInterface+".GetManagedObjects")[0].(map[dbus.ObjectPath]map[string]map[string]dbus.Variant)
	if len(all) != 4 {
		t.Errorf("%d objects are managed", len(all))
	}
	for path, interfaces := range all {
		if len(interfaces) != 1 {
			t.Errorf("%s has %d interfaces", path, len(interfaces))
		}
		for iface, properties := range interfaces {
			direct := c.must(string(path), api.PropertiesInterface+".GetAll", iface)[0].(map[string]dbus.Variant)
			if got, want := dbus.MakeVariant(properties).String(), dbus.MakeVariant(direct).String(); len(properties) != len(direct) || len(got) != len(want) {
				t.Errorf("%s is %s, by itself %s", path, got, want)
			}
		}
	}
}

// TestErrorNames wants a name for every code.
func TestErrorNames(t *testing.T) {
	codes := constants(t, "../../service/error.go", "Code")
	if len(codes) < 15 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	for _, c := range codes {
		if !slices.Contains(api.Errors, c) {
			t.Errorf("code %s is in no table of errors", c)
		}
		if got := view.ErrorName(service.Code(c)); got != api.ErrorPrefix+c {
			t.Errorf("code %s is called %s", c, got)
		}
	}
	for _, e := range api.Errors {
		if !slices.Contains(codes, e) {
			t.Errorf("no code is called %s", e)
		}
	}
	if got := view.ErrorName("Unheard"); got != api.ErrorPrefix+"Internal" {
		t.Errorf("an unknown code is called %s", got)
	}
}
