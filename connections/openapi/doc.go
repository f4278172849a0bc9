// Package openapi reads descriptions of APIs, OpenAPI 3.0 and 3.1, for
// connections: where the API is, how requests are authorized, and the types of
// its calls as TypeScript.
//
// What it writes depends on the description alone and is the same each time. A
// description is somebody else's text: nothing that it refers to outside itself
// is read, and no name of it gets into the TypeScript unquoted that is no
// identifier.
//
//	api, err := openapi.Parse(text)
//	declarations := openapi.Declarations([]openapi.Described{{Connection: "crm", API: api}})
package openapi
