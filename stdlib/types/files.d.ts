// Files that a script can import as text. JSON files are typed by their content.

declare module "*.txt" {
	const text: string;
	export default text;
}

declare module "*.md" {
	const text: string;
	export default text;
}

declare module "*.sql" {
	const text: string;
	export default text;
}

declare module "*.graphql" {
	const text: string;
	export default text;
}

declare module "*.gql" {
	const text: string;
	export default text;
}

declare module "*.html" {
	const text: string;
	export default text;
}

declare module "*.htm" {
	const text: string;
	export default text;
}

declare module "*.css" {
	const text: string;
	export default text;
}

declare module "*.csv" {
	const text: string;
	export default text;
}

declare module "*.tsv" {
	const text: string;
	export default text;
}

declare module "*.xml" {
	const text: string;
	export default text;
}

declare module "*.svg" {
	const text: string;
	export default text;
}

declare module "*.yaml" {
	const text: string;
	export default text;
}

declare module "*.yml" {
	const text: string;
	export default text;
}

declare module "*.toml" {
	const text: string;
	export default text;
}

declare module "*.hbs" {
	const text: string;
	export default text;
}

declare module "*.mustache" {
	const text: string;
	export default text;
}

declare module "*.ejs" {
	const text: string;
	export default text;
}

declare module "*.liquid" {
	const text: string;
	export default text;
}

declare module "*.tmpl" {
	const text: string;
	export default text;
}

declare module "*.jq" {
	const text: string;
	export default text;
}

declare module "*.jsonl" {
	const text: string;
	export default text;
}

declare module "*.ndjson" {
	const text: string;
	export default text;
}

declare module "*.xsl" {
	const text: string;
	export default text;
}

declare module "*.xslt" {
	const text: string;
	export default text;
}

declare module "*.wsdl" {
	const text: string;
	export default text;
}

declare module "*.proto" {
	const text: string;
	export default text;
}

declare module "*.pem" {
	const text: string;
	export default text;
}
