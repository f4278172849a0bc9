// Package authbind is the module reprise:auth: bearer, basic, apiKey, oauth2
// and standardWebhooks make what the auth option of reprise:http takes. The host
// authenticates the request with it, see package httpbind; there is nothing to
// perform here.
//
//	import { bearer } from "reprise:auth";
//	const api = http.create({ baseURL, auth: bearer(secret("CRM_TOKEN")) });
//
// The one invariant: credentials are tokens of secrets. A literal text is
// refused, because it would be in the script's source and in the journal.
//
// It must not know the values of secrets.
package authbind
