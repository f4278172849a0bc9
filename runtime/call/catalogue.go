// The catalogue of everything that can go wrong with a call or a run: a closed
// set, each with a sentence that says what happened and a hint what to do.
// docs/reference/errors.md is generated from it.

package call

import (
	"slices"
)

// Description is a catalogue entry.
type Description struct {
	// Name overrides the error name derived from the code, where an acronym
	// or the Web platform wants another spelling.
	Name string
	// Sentence says what the error means.
	Sentence string
	// Hint says what to do about it.
	Hint string
}

// The codes. Each constant's meaning is its catalogue entry.
const (
	CodeAbort              Code = "ABORT_ERROR"
	CodeBodyTooLarge       Code = "BODY_TOO_LARGE_ERROR"
	CodeCallOutsideRun     Code = "CALL_OUTSIDE_RUN_ERROR"
	CodeCancelled          Code = "CANCELLED_ERROR"
	CodeCircuitOpen        Code = "CIRCUIT_OPEN_ERROR"
	CodeCompile            Code = "COMPILE_ERROR"
	CodeConfig             Code = "CONFIG_ERROR"
	CodeConflict           Code = "CONFLICT_ERROR"
	CodeConnect            Code = "CONNECT_ERROR"
	CodeDataClone          Code = "DATA_CLONE_ERROR"
	CodeDiverged           Code = "DIVERGED_ERROR"
	CodeEgressDenied       Code = "EGRESS_DENIED_ERROR"
	CodeForbidden          Code = "FORBIDDEN_ERROR"
	CodeGraphQL            Code = "GRAPHQL_ERROR"
	CodeHTTP               Code = "HTTP_ERROR"
	CodeInDoubt            Code = "IN_DOUBT_ERROR"
	CodeInternal           Code = "INTERNAL_ERROR"
	CodeInvalidArgument    Code = "INVALID_ARGUMENT_ERROR"
	CodeInvalidJSON        Code = "INVALID_JSON_ERROR"
	CodeKVConflict         Code = "KV_CONFLICT_ERROR"
	CodeKVLimit            Code = "KV_LIMIT_ERROR"
	CodeLoad               Code = "LOAD_ERROR"
	CodeLoginNeeded        Code = "LOGIN_NEEDED_ERROR"
	CodeNetwork            Code = "NETWORK_ERROR"
	CodeNeverSettles       Code = "NEVER_SETTLES_ERROR"
	CodeNotDurable         Code = "NOT_DURABLE_ERROR"
	CodeNotFound           Code = "NOT_FOUND_ERROR"
	CodePagination         Code = "PAGINATION_ERROR"
	CodeRedirect           Code = "REDIRECT_ERROR"
	CodeResource           Code = "RESOURCE_ERROR"
	CodeRunFailed          Code = "RUN_FAILED_ERROR"
	CodeSecretMissing      Code = "SECRET_MISSING_ERROR"
	CodeSecretNotAllowed   Code = "SECRET_NOT_ALLOWED_ERROR"
	CodeServerStopped      Code = "SERVER_STOPPED_ERROR"
	CodeStore              Code = "STORE_ERROR"
	CodeUnauthorized       Code = "UNAUTHORIZED_ERROR"
	CodeUnavailable        Code = "UNAVAILABLE_ERROR"
	CodeTimeout            Code = "TIMEOUT_ERROR"
	CodeUnhandledRejection Code = "UNHANDLED_REJECTION_ERROR"
	CodeWorkerLost         Code = "WORKER_LOST_ERROR"
)

var catalogue = map[Code]Description{
	CodeAbort:              {Sentence: "The script aborted the operation through an AbortSignal.", Hint: "Nothing, if the abort was meant; otherwise look for the controller.abort() or the signal's timeout."},
	CodeBodyTooLarge:       {Sentence: "A request or response body is larger than the limit for buffered bodies.", Hint: "Ask for less, or send less: in pages, with fewer fields."},
	CodeCallOutsideRun:     {Sentence: "Top-level code of a script tried to make a call, start a timer or draw randomness.", Hint: "Move the line into a handler: top-level code runs once, when the script is loaded, and belongs to no run."},
	CodeCancelled:          {Sentence: "The run was cancelled while the call was open.", Hint: "Let it propagate, or clean up in finally; cleaning up may take 30 s."},
	CodeCircuitOpen:        {Sentence: "The connection has failed again and again and is given up for a while: nothing was sent.", Hint: "Try later (err.retryAfter, in seconds), or go on without it. Its circuitBreaker in reprise.yaml says when it is given up."},
	CodeCompile:            {Sentence: "The script could not be built.", Hint: "The message has the file, the line and a code frame; the last good revision keeps serving."},
	CodeConfig:             {Sentence: "The script's config or the project's reprise.yaml is not valid.", Hint: "The message names the key and the line; the last good revision keeps serving."},
	CodeConflict:           {Sentence: "The request contradicts what is already there.", Hint: "The message says what is there."},
	CodeConnect:            {Sentence: "The connection to the upstream could not be made: refused, unreachable, unknown host or a failed TLS handshake.", Hint: "Check the URL and that the upstream is up. Nothing was sent, so the call is safe to repeat."},
	CodeDataClone:          {Sentence: "A value can not be copied: functions, symbols, promises and the like have no plain form.", Hint: "Pass plain data."},
	CodeDiverged:           {Sentence: "The script, played again, did something other than the run's journal has.", Hint: "The report names the turn and both lines. Put the code back, fork the run at that turn, or cancel it; nothing of the journal was changed."},
	CodeEgressDenied:       {Sentence: "The script called a host or an address that the server does not let scripts reach. Nothing was sent.", Hint: "The message says which address, by which rule, and how to allow it: egress.allow in reprise.yaml, or config.egress of the script. For this server's own scripts there is env.self."},
	CodeForbidden:          {Sentence: "The request came from a place that is not allowed to make it.", Hint: "The message names the Host or Origin header that was refused; open the page under the address the server printed."},
	CodeGraphQL:            {Name: "GraphQLError", Sentence: "A GraphQL API answered with errors.", Hint: "Look at err.errors; err.data is what there is of an answer. Pass partial: true to get both without an error."},
	CodeHTTP:               {Name: "HTTPError", Sentence: "The upstream answered with a status outside 200-299.", Hint: "Look at err.status and err.body; pass throwHttpErrors: false to get the response instead."},
	CodeInDoubt:            {Sentence: "The server died while the call was being performed: nobody knows whether the upstream acted on it.", Hint: "Look at the upstream. Give the call an idempotencyKey, or say inDoubt: \"retry\" or \"fail\", and it is decided without you."},
	CodeInternal:           {Sentence: "Reprise itself failed.", Hint: "Please report it with the server's log around this time."},
	CodeInvalidArgument:    {Sentence: "A call was given arguments it can not take.", Hint: "The message names the argument and what is expected."},
	CodeInvalidJSON:        {Name: "InvalidJSONError", Sentence: "Text that should be JSON is not.", Hint: "Look at the preview in the message; the upstream may have answered with an HTML error page."},
	CodeKVConflict:         {Name: "KVConflictError", Sentence: "A check of an atomic KV operation failed: another writer was first.", Hint: "Read again and retry the operation."},
	CodeKVLimit:            {Name: "KVLimitError", Sentence: "A KV key, value or operation is larger than the limit.", Hint: "Split the value, or keep large data elsewhere and store a reference."},
	CodeLoad:               {Sentence: "The script's top level threw while it was being loaded.", Hint: "Fix the line in the stack; the last good revision keeps serving."},
	CodeLoginNeeded:        {Sentence: "A person has to log in for the connection: nobody has yet, or the provider does not take the login any more. Nothing was sent.", Hint: "Run `reprise connections login NAME`; err.connection is its name. Then the call can be made again."},
	CodeNetwork:            {Sentence: "The connection to the upstream broke after the request was sent.", Hint: "The upstream may or may not have acted on it; reads and keyed writes are retried, others are not."},
	CodeNeverSettles:       {Sentence: "The handler's promise can never settle: nothing is open and nothing is scheduled.", Hint: "Look for a promise that nobody resolves, such as new Promise(() => {})."},
	CodeNotDurable:         {Sentence: "The operation needs a durable run, and this handler is not one.", Hint: "Move it to a run handler, and start that from here."},
	CodeNotFound:           {Sentence: "What was named does not exist.", Hint: "Check the name; the message lists close ones where there are any."},
	CodePagination:         {Sentence: "The pages of a list can not be followed to their end: a page came twice, a link leads to another host, there are too many, or an answer has no items where they were said to be.", Hint: "The message says which. Where there are more pages than maxPages, go on from err.cursor, or raise it; check the options that say where the items and the next page are."},
	CodeRedirect:           {Sentence: "The upstream redirected and the call does not allow it, or redirected too often.", Hint: "Pass redirect: \"follow\", or call the final URL."},
	CodeResource:           {Sentence: "The run used more than a limit allows: CPU, wall time, memory, calls or output.", Hint: "The message names the limit, err.limit too. Do less at a time, or raise it: most are in config.limits, the wall time of a request is config.timeout, the memory of a worker process is the server's --worker-memory."},
	CodeRunFailed:          {Sentence: "A run that this one invoked failed or was cancelled.", Hint: "Its own error is the cause; err.run is its id."},
	CodeSecretMissing:      {Sentence: "The script uses a secret that is not set.", Hint: "Set it with `reprise secret set NAME`, or as REPRISE_SECRET_NAME in the environment, or in .env in development."},
	CodeSecretNotAllowed:   {Sentence: "A secret was about to be sent to a host it is not allowed for.", Hint: "Add the host to the secret's hosts in reprise.yaml if that is right."},
	CodeServerStopped:      {Sentence: "The server stopped while the run was in progress.", Hint: "Start the run again."},
	CodeStore:              {Sentence: "The store could not read or write.", Hint: "Check the disk's free space and the server's log."},
	CodeUnauthorized:       {Sentence: "The request carries no valid token.", Hint: "Send Authorization: Bearer TOKEN."},
	CodeUnavailable:        {Sentence: "The server can not take the request now: it is stopping, overloaded, or its disk is full.", Hint: "Try again later; the message says why."},
	CodeTimeout:            {Sentence: "The operation took longer than its timeout.", Hint: "Raise the timeout option, or find out why the other side is slow."},
	CodeUnhandledRejection: {Sentence: "A promise was rejected and nobody handled it.", Hint: "Await it, or add a catch; the message and stack are the rejection's own."},
	CodeWorkerLost:         {Sentence: "The process that executed the script ended in the middle of it, most often because of another script.", Hint: "Send the request again: another process is there already. Runs go on by themselves. The log says why it ended."},
}

// Codes returns all codes in alphabetical order.
func Codes() []Code {
	out := make([]Code, 0, len(catalogue))
	for c := range catalogue {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}
