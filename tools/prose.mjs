import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { ROOT } from './public-entries.mjs';

/**
 * Habits that make readers stumble: German sentence-building with English words. Each has a remedy,
 * and a sentence that shows it.
 */
export const HABITS = [
  {
    name: 'a headless clause',
    pattern:
      /(?<=^[\s>|*-]*|[.;:,(!|]\s+|\b(?:and|but|or)\s+)(?:what|whoever|that which)\b(?!\s+happened\s+\()/i,
    remedy: 'name the thing: "events that no node claims"',
    example: 'Skips known events, and what is neither is dropped.',
  },
  {
    name: 'a headless clause',
    pattern:
      /\bwhatever\s+(?:it|they|he|she|we|is|was|are|were|has|had|does|did|becomes|comes|may)\b/i,
    remedy: 'name the thing',
    example: 'Retries the others, whatever becomes of this one.',
  },
  {
    name: 'code that speaks',
    pattern: /\b(?:says|said)\b/i,
    remedy: 'code logs, warns, reports, throws or returns',
    example: 'The logger says that the disk is full.',
  },
  {
    name: '"is no"',
    pattern:
      /(?<!\bthere\s+)\b(?:is|are|was|were|be)\s+(?:none\b|no\b(?!\s+(?:longer|more|less|fewer|later|earlier)\b))/i,
    remedy: 'write "invalid X", "not an X", "no X"',
    example: 'Throws if the value is no backend.',
  },
  {
    name: '"all the same"',
    pattern: /\ball\s+the\s+same\b/i,
    remedy: 'write "still"',
    example: 'They are delivered all the same.',
  },
  {
    name: '"anew"',
    pattern: /\banew\b/i,
    remedy: 'write "again"',
    example: 'Reads the file anew.',
  },
  {
    name: '"save" as "except"',
    pattern: /,\s+save\b|\bsave\s+(?:for|that|while|where|those)\b/i,
    remedy: 'write "except"',
    example: 'Ends all pauses, save those that were asked for.',
  },
  {
    name: '"is to be"',
    pattern: /\b(?:is|are|was|were)\s+to\s+be\b/i,
    remedy: 'write "must", "can" or the future tense',
    example: 'The event is to be kept.',
  },
  {
    name: '"may well"',
    pattern: /\bmay\s+well\b/i,
    remedy: 'write "may" or "can"',
    example: 'A getter may well emit.',
  },
  {
    name: '"besides"',
    pattern: /\bbesides\b/i,
    remedy: 'write "also", "in addition to" or "except"',
    example: 'Creates these indexes besides.',
  },
  {
    name: '"for good"',
    pattern: /\bfor\s+good\b/i,
    remedy: 'write "permanently"',
    example: 'The server refused it for good.',
  },
  {
    name: '"belongs into"',
    pattern: /\bbelongs?\s+into\b/i,
    remedy: 'write "belongs in"',
    example: 'Such work belongs into a thread.',
  },
  {
    name: 'a "More:" chain',
    pattern: /(?<=^|[.!]\s+)More:\s/,
    remedy: 'link where the reader needs the page',
    example: 'It is fast. More: the guide.',
  },
];

/** Upper bounds for the comments of the library, per 1,000 words; the last figure is a share in percent. */
export const BOUNDS = {
  what: { pattern: /\b(?:what|whoever|whatever)\b/gi, most: 3 },
  say: { pattern: /\b(?:say|says|said)\b/gi, most: 0.5 },
  isNo: {
    pattern:
      /(?<!\bthere\s+)\b(?:is|are|was|were|be)\s+(?:none\b|no\b(?!\s+(?:longer|more|less|fewer|later|earlier)\b))/gi,
    most: 0.8,
  },
};
export const COMMENT_SHARE = { least: 10, most: 16 };

/**
 * Finds bad habits in one text.
 *
 * @param {string} text
 */
export function habitsIn(text) {
  return paragraphsOf(text).flatMap(({ start, paragraph }) =>
    HABITS.flatMap((habit) => {
      const pattern = new RegExp(habit.pattern.source, `${habit.pattern.flags}g`);
      const found = [...paragraph.matchAll(pattern)]
        .map(({ index }) => ({
          habit,
          offset: start + index,
          sentence: sentenceAt(paragraph, index),
        }))
        .filter(({ sentence }) => !sentence.endsWith('?'));
      return found.filter(({ sentence }, at) => sentence !== found[at - 1]?.sentence);
    }),
  );
}

/** Finds bad habits in comments, messages, test titles and documents: one line of text for each. */
export function findings() {
  return [...documents(), ...sources()].flatMap(({ file, text, pieces }) =>
    pieces.flatMap(({ start, content }) =>
      habitsIn(content).map(({ habit, offset, sentence }) => {
        const line = text.slice(0, start + offset).split('\n').length;
        return `${file}:${line}: ${habit.name}; ${habit.remedy}: ${sentence}`;
      }),
    ),
  );
}

/** Counts habits in the comments of the library, without its specs and what applications test with. */
export function figures() {
  const files = filesBelow('libs/event-tracking/src').filter(
    (file) => !file.endsWith('.spec.ts') && !file.includes('/src/testing/'),
  );
  let words = '';
  let commentLines = 0;
  let lines = 0;
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const comments = commentsOf(parse(file, text));
    words += comments.map(({ content }) => content).join('\n\n');
    lines += text.split('\n').filter((line) => line.trim() !== '').length;
    commentLines += linesOfCommentsOnly(text, comments);
  }
  const total = words.match(/[\p{L}\d'-]+/gu)?.length ?? 0;
  const rate = (pattern) => ((words.match(pattern)?.length ?? 0) / total) * 1_000;
  return {
    words: total,
    commentShare: (commentLines / lines) * 100,
    what: rate(BOUNDS.what.pattern),
    say: rate(BOUNDS.say.pattern),
    isNo: rate(BOUNDS.isNo.pattern),
  };
}

function documents() {
  const atRoot = readdirSync(ROOT).filter((file) => file.endsWith('.md'));
  const files = [...atRoot, 'libs/event-tracking/README.md', ...filesBelow('docs', '.github')];
  return files
    .filter((file) => file.endsWith('.md') && !file.startsWith('docs/api/'))
    .map((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      return { file, text, pieces: [{ start: 0, content: proseOf(text) }] };
    });
}

function sources() {
  return filesBelow('libs/event-tracking/src', 'src', 'test', 'bench', 'tools')
    .filter((file) => /\.(ts|mjs)$/.test(file) && !/^(tools\/prose|test\/prose)/.test(file))
    .map((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const source = parse(file, text);
      const isTest = file.endsWith('.spec.ts') || file.startsWith('test/');
      const strings = isTest ? titlesOf(source) : messagesOf(source);
      return { file, text, pieces: [...commentsOf(source), ...strings] };
    });
}

function filesBelow(...folders) {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.vitepress|node_modules/.test(entry.parentPath))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
  );
}

function parse(file, text) {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

/** Returns all comments; markers, code and tags are blanks, so that offsets stay. */
function commentsOf(source) {
  const { text } = source;
  const found = new Map();
  const visit = (node) => {
    const ranges = [
      ...(ts.getLeadingCommentRanges(text, node.pos) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.end) ?? []),
    ];
    if (!ts.isJsxText(node)) for (const { pos, end } of ranges) found.set(pos, end);
    for (const child of node.getChildren(source)) visit(child);
  };
  visit(source);
  const comments = [...found].map(([start, end]) => ({ start, end, raw: text.slice(start, end) }));
  return comments
    .filter(({ raw }) => raw.startsWith('//') || raw.startsWith('/*'))
    .map(({ start, end, raw }) => ({
      start,
      end,
      content: proseOf(raw.replaceAll(/^\s*(?:\/\*+|\*(?!\/)|\/\/+)|\*+\/$/gm, blank)),
    }));
}

/** Returns the sentences that the code can print: literals of at least four words. */
function messagesOf(source) {
  return literalsOf(source).filter(({ content }) => (content.match(/\p{L}+/gu)?.length ?? 0) >= 4);
}

function titlesOf(source) {
  return literalsOf(source, (node) => {
    const call = node.parent;
    return (
      ts.isCallExpression(call) &&
      call.arguments[0] === node &&
      /^(?:describe|it|test)\b/.test(call.expression.getText(source))
    );
  });
}

function literalsOf(source, isWanted = () => true) {
  const found = [];
  const visit = (node) => {
    if ((ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) && isWanted(node)) {
      const start = node.getStart(source) + 1;
      const content = source.text.slice(start, node.end - 1).replaceAll(/\$\{[^}]*\}/g, blank);
      found.push({ start, content });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Blanks everything in Markdown and TSDoc that is not prose. */
function proseOf(markdown) {
  return markdown
    .replace(/^---\n.*?\n---\n/s, blank)
    .replaceAll(/```.*?```/gs, blank)
    .replaceAll(/^#+ .*$/gm, blank)
    .replaceAll(/`[^`\n]*(?:\n[^`\n]+)?`/g, blank)
    .replaceAll(/\{@\w+ [^}]*\}/g, blank)
    .replaceAll(/\]\([^)]*\)/g, blank)
    .replaceAll(/@\w+/g, blank);
}

function blank(text) {
  return text.replaceAll(/[^\n]/g, ' ');
}

function paragraphsOf(text) {
  const paragraphs = [];
  let start = 0;
  for (const { index, 0: gap } of text.matchAll(
    /\n[ \t]*(?:\n[ \t]*)+|\n[ \t]*(?=[-*|] |\d+\. )/g,
  )) {
    paragraphs.push({ start, paragraph: text.slice(start, index) });
    start = index + gap.length;
  }
  return [...paragraphs, { start, paragraph: text.slice(start) }];
}

function sentenceAt(paragraph, index) {
  const start =
    Math.max(...['. ', '! ', '? '].map((end) => paragraph.lastIndexOf(end, index - 1))) + 1;
  const length = /[.!?](?=\s|$)/.exec(paragraph.slice(index));
  const end = length === null ? paragraph.length : index + length.index + 1;
  return paragraph.slice(start, end).replaceAll(/\s+/g, ' ').trim();
}

function linesOfCommentsOnly(text, comments) {
  let rest = text;
  for (const { start, end } of comments) {
    rest = rest.slice(0, start) + blank(text.slice(start, end)) + rest.slice(end);
  }
  const original = text.split('\n');
  return rest.split('\n').filter((line, at) => line.trim() === '' && original[at].trim() !== '')
    .length;
}
