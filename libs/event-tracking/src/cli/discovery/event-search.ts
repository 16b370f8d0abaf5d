import { relative, sep } from 'node:path';
import type ts from 'typescript';
import { CallRecogniser, type Callee } from './recognise-calls.js';
import type { Compiler } from './compiler.js';
import type { Findings, CodeLocation } from './findings.js';
import { isEscapingEmit } from './escaping-emit.js';
import { NameReader } from './name-reader.js';
import type { LibraryFiles } from './library-files.js';

const MAX_CODE_LENGTH = 80;

/** Finds the events that a program emits and declares. */
export class EventSearch {
  readonly #checker: ts.TypeChecker;
  readonly #calls: CallRecogniser;
  readonly #names: NameReader;

  constructor(
    private readonly ts: Compiler,
    program: ts.Program,
    libraryFiles: LibraryFiles,
    private readonly findings: Findings,
  ) {
    this.#checker = program.getTypeChecker();
    this.#calls = new CallRecogniser(ts, this.#checker, libraryFiles);
    this.#names = new NameReader(ts, this.#checker, this.#calls);
  }

  search(file: ts.SourceFile): void {
    const visit = (node: ts.Node): void => {
      if (this.ts.isCallExpression(node)) this.#readCall(node);
      else if (this.ts.isExpression(node)) this.#readReference(node);
      this.ts.forEachChild(node, visit);
    };
    this.ts.forEachChild(file, visit);
  }

  #readCall(call: ts.CallExpression): void {
    const { ts } = this;
    const { expression } = call;
    const type = this.#checker.getTypeAtLocation(expression);
    const callee = this.#calls.recogniseType(type);
    if (callee !== undefined) {
      this.#add(callee, call, call.arguments);
    } else if (ts.isPropertyAccessExpression(expression)) {
      const method = expression.name.text;
      if (method === 'emit' && type.flags & ts.TypeFlags.Any) {
        this.findings.untyped.push(locationOf(ts, expression.name));
      }
      if (['call', 'apply', 'bind'].includes(method)) this.#readIndirectCall(call, expression);
    }
  }

  /** Reads `emit.call(…)`, `emit.apply(…)` and `emit.bind(…)`. */
  #readIndirectCall(call: ts.CallExpression, method: ts.PropertyAccessExpression): void {
    const callee = this.#calls.recognise(method.expression);
    if (callee === undefined) return;
    const [, ...args] = call.arguments;
    if (method.name.text === 'apply') this.#addDynamic(callee, call);
    else if (method.name.text === 'call' || args.length > 0) this.#add(callee, call, args);
    // A bound emit is recognised where it is called.
    else if (isEscapingEmit(this.ts, this.#checker, this.#calls, call)) {
      this.#addDynamic(callee, call);
    }
  }

  /** Records `emit` as dynamic if other code receives it and may call it with any name. */
  #readReference(node: ts.Expression): void {
    const { ts } = this;
    if (!ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node)) return;
    if (isEscapingEmit(ts, this.#checker, this.#calls, node)) this.#addDynamic('emit', node);
  }

  #add(callee: Callee, call: ts.CallExpression, args: readonly ts.Expression[]): void {
    const [argument] = args;
    const { names, described, isDynamic } = this.#names.ofArgument(argument);
    const { emitted, declared } = this.findings;
    const found = callee === 'emit' || callee === 'EmitEvent' ? emitted : declared;
    for (const name of names) {
      found.set(name, [...(found.get(name) ?? []), locationOf(this.ts, argument ?? call)]);
    }
    for (const name of described) this.findings.described.add(name);
    if (isDynamic) this.#addDynamic(callee, call, argument);
  }

  #addDynamic(call: Callee, node: ts.Node, at: ts.Node = node): void {
    const text = node.getText().replace(/\s+/g, ' ');
    const code = text.length > MAX_CODE_LENGTH ? `${text.slice(0, MAX_CODE_LENGTH)}…` : text;
    this.findings.dynamic.push({ ...locationOf(this.ts, at), call, code });
  }
}

function locationOf(ts: Compiler, node: ts.Node): CodeLocation {
  const file = node.getSourceFile();
  const { line, character } = ts.getLineAndCharacterOfPosition(file, node.getStart());
  return {
    file: relative(process.cwd(), file.fileName).split(sep).join('/'),
    line: line + 1,
    column: character + 1,
  };
}
