// Package ask is the page that a human answers a run's question on: what
// ask({title, schema}) in a script has made the address of.
//
//	h := ask.New(ask.Options{Engine: engine, Log: log})
//	// GET  /_/ask/{run}/{call}?key=K   the form, or with Accept: application/json a runtime.AskForm
//	// POST /_/ask/{run}/{call}?key=K   the answer: the form's fields, or application/json
//
// The form is made of the question's JSON schema: texts, numbers, yes and no,
// choices, lists, and objects one level deep have their controls; whatever else
// there is, is written as JSON. A question without a schema has two buttons,
// and the answer is true or false. The page works without scripts, loads
// nothing, and is not cached.
//
// The one invariant: only a POST whose value fits the schema answers. Looking
// never does: mail scanners open every link.
//
// The package must not know how runs wait, where answers are kept, or how keys
// are made. Schemas come from scripts, and answers from anybody who has the
// link, so checking one against the other takes a bounded amount of work.
package ask
