export { asyncApiOf, type AsyncApiOptions } from './async-api.js';
export {
  catalogueOf,
  findVersions,
  recordsOf,
  type Catalogue,
  type CatalogueOptions,
  type CatalogueType,
  type ContextCombination,
} from './catalogue.js';
export { CATALOGUE_FORMATS, catalogueFiles, type CatalogueFormat } from './catalogue-files.js';
export { readCatalogue, writeCatalogue } from './catalogue-json.js';
export { changesBetween, type Change } from './changes.js';
export { exampleEventOf } from './example-event.js';
export { htmlPages, type HtmlOptions } from './html/html-pages.js';
export type { DataFile } from './html/index-page.js';
export { lintCatalogue, type Finding, type LintOptions, type LintRule } from './lint.js';
export { markdownPages } from './markdown/markdown-pages.js';
export { MalformedCatalogueError, readRecord } from './read-record.js';
export { registeredAt, withPlaceOnly } from './registered-at.js';
export { dataSchemaOf } from './schema/data-schema.js';
export { eventSchema } from './schema/event-schema.js';
export { wholeEventSchemaOf } from './schema/whole-event-schema.js';
export type { TypeVersion } from './type-versions.js';
