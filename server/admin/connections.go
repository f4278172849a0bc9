package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"reprise/connections"
	"reprise/server/api"
)

// Connections describes them. *connections.Set is one.
type Connections interface {
	States() []connections.State
}

const connectionsPath = "/api/v1/connections"

func (a *admin) connectionEndpoints(h huma.API) {
	huma.Register(h, a.operation(h, http.MethodGet, connectionsPath, "listConnections", "All connections, by name, as they are now",
		"Without credentials. Connections are changed in reprise.yaml."), a.listConnections)
	example(h, connectionsPath, http.MethodGet, "200", api.Connections{Connections: []connections.State{
		{Name: "crm", BaseURL: "https://crm.example.com/v2", Auth: "bearer", Secrets: []string{"CRM_TOKEN"}, Circuit: "closed"},
	}})
}

func (a *admin) listConnections(context.Context, *struct{}) (*body[api.Connections], error) {
	return &body[api.Connections]{api.Connections{Connections: a.Connections.States()}}, nil
}
