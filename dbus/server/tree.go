package server

import (
	"slices"
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
)

// object is one node of the tree, as a Status has it.
type object struct {
	view.Object
	interfaces []string // its own first, without those of every object; none: a mere node
}

// everywhere are the interfaces of every object.
var everywhere = []string{api.PropertiesInterface, api.IntrospectableInterface, api.PeerInterface}

// has tells whether an object has an interface. A mere node has no properties.
func (o object) has(iface string) bool {
	if iface == api.PropertiesInterface && len(o.interfaces) == 0 {
		return false
	}
	return slices.Contains(o.interfaces, iface) || slices.Contains(everywhere, iface)
}

// own are the interfaces of a node that is no account and no job.
func (s *Server) own(path string) []string {
	switch {
	case path == api.Path:
		return []string{api.ManagerInterface, api.ObjectManagerInterface}
	case path == api.LogControlPath && s.o.LogControl != nil:
		return []string{api.LogControlInterface}
	}
	return nil
}

// lookup finds an object. Nodes between the root and an object count: whoever
// looks around comes through them.
func (s *Server) lookup(st *service.Status, path string) (object, error) {
	if own := s.own(path); own != nil {
		return object{view.Object{Path: path, Interface: own[0]}, own}, nil
	}
	if strings.HasPrefix(path, api.AccountPath+"/") {
		name, ok := api.AccountAt(path)
		if a := st.Account(name); ok && a != nil {
			return managed(view.Account(a)), nil
		}
		if ok {
			return object{}, noAccount(st, name)
		}
	}
	if strings.HasPrefix(path, api.JobPath+"/") {
		id, ok := api.JobAt(path)
		if j := st.Job(id); ok && j != nil {
			return managed(view.Job(j)), nil
		}
		if ok {
			return object{}, noJob(id)
		}
	}
	if path == "/" || len(s.children(st, path)) > 0 {
		return object{Object: view.Object{Path: path}}, nil
	}
	return object{}, standard(api.ErrorUnknownObject, "there is no object %s", brief(path))
}

// children returns what is right below a path, by the last element, in order.
func (s *Server) children(st *service.Status, path string) []string {
	var out []string
	switch path {
	case api.AccountPath:
		for i := range st.Accounts {
			out = append(out, api.Element(st.Accounts[i].Name))
		}
	case api.JobPath:
		for i := range st.Jobs {
			out = append(out, strconv.FormatUint(uint64(st.Jobs[i].ID), 10))
		}
		return out
	case api.Path:
		if len(st.Accounts) > 0 {
			out = append(out, strings.TrimPrefix(api.AccountPath, api.Path+"/"))
		}
		if len(st.Jobs) > 0 {
			out = append(out, strings.TrimPrefix(api.JobPath, api.Path+"/"))
		}
	default:
		below := strings.TrimSuffix(path, "/") + "/"
		for _, fixed := range []string{api.Path, api.LogControlPath} {
			if rest, ok := strings.CutPrefix(fixed, below); ok && s.own(fixed) != nil {
				element, _, _ := strings.Cut(rest, "/")
				out = append(out, element)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// introspect describes an object.
func (s *Server) introspect(st *service.Status, o object) string {
	interfaces := slices.Concat(o.interfaces, everywhere)
	if len(o.interfaces) == 0 {
		interfaces = []string{api.IntrospectableInterface, api.PeerInterface}
	}
	return api.Introspection(interfaces, s.children(st, o.Path))
}

// managed is an object of the ObjectManager.
func managed(o view.Object) object { return object{o, []string{o.Interface}} }

// properties returns those of one of an object's interfaces, and false where the
// object does not have it.
func (s *Server) properties(st *service.Status, o object, iface string) (map[string]any, bool) {
	switch {
	case !o.has(iface):
		return nil, false
	case iface == api.LogControlInterface:
		return logProperties(s.o.LogControl), true
	case iface == o.Interface:
		return o.Properties(s.constants(), st), true
	}
	return map[string]any{}, true
}
