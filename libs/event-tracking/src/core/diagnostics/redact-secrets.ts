const MASK = '***';
/** Passes most messages at once: every secret below follows one of these. */
const MAY_HOLD_SECRET = /[:=]|bearer|basic/i;

/** User and password of a URL. The password may contain characters that it should encode. */
const USER_AND_PASSWORD =
  /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#'"`<>@:[\]]{0,256}:(?!\d{1,5}(?!\w))[^\s'"`<>]{1,2048}@/gi;
/** A token in place of the user. */
const USER = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#'"`<>]{1,2048}@/gi;
/** A password whose end is missing, because another program has cut the URL. */
const CUT_PASSWORD =
  /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#'"`<>@:[\]]{0,256}:(?!\d{1,5}(?!\w))(?=[^\s/?#'"`<>@,])[^\s'"`<>@]{1,2048}/gi;

/** The header and its whole value, whatever the scheme. */
const AUTHORIZATION =
  /\b((?:proxy-)?authorization["']?\s{0,3}[:=]\s{0,3}["']?)(?=[^\s"'])[^"'\r\n,;}\]]{1,4096}/gi;
const BEARER_OR_BASIC =
  /\b(bearer|basic)\s{1,3}(?!(?:auth\w*|tokens?|scheme|realm|credentials?|access|http)\b)[a-z0-9._~+/-]{6,4096}={0,2}/gi;

const SECRET_NAMES = [
  'pass(?:word|wd|phrase)',
  'pwd',
  'secrets?',
  '(?:api|access|write|private|secret|signing|encryption|account|shared)[-_]?key',
  '(?:access|auth|id|refresh|session|bearer|api|security)[-_]?token',
  'credentials?',
  'cookie',
  'signature',
].join('|');
/** A value behind the name of a secret: `password=…`, `"apiKey": "…"`, `?access_token=…`. */
const NAMED_SECRET = new RegExp(
  String.raw`((?:${SECRET_NAMES})["']?\s{0,3}[:=]\s{0,3})` +
    String.raw`(?:"(?:[^"\\]|\\.){1,4096}"|'(?:[^'\\]|\\.){1,4096}'|(?!\*{3})[^\s"'&,;})\]]{1,4096})`,
  'gi',
);
/** Unlike other names, `token` is a common word before a colon. */
const TOKEN_PARAMETER =
  /((?<![a-z])(?:token|sig|sas)(?:=|["']\s{0,3}:\s{0,3}["']?))(?!\*{3})[^\s"'&,;})\]]{1,4096}/gi;

/**
 * Masks the secrets that messages commonly quote: user and password of URLs, authorisation headers,
 * and values behind the name of a secret.
 */
export function redactSecrets(text: string): string {
  if (!MAY_HOLD_SECRET.test(text)) return text;
  return text
    .replace(USER_AND_PASSWORD, `$1${MASK}@`)
    .replace(USER, `$1${MASK}@`)
    .replace(CUT_PASSWORD, `$1${MASK}`)
    .replace(AUTHORIZATION, `$1${MASK}`)
    .replace(BEARER_OR_BASIC, `$1 ${MASK}`)
    .replace(NAMED_SECRET, `$1${MASK}`)
    .replace(TOKEN_PARAMETER, `$1${MASK}`);
}
