import { relative, sep } from 'node:path';
import type ts from 'typescript';
import { Callees, type Callee } from './callee.js';
import type { Compiler } from './compiler.js';
import type { Findings, Place } from './findings.js';
import { isHandedOn } from './handed-on.js';
import { NameReader } from './names.js';
import type { OwnFiles } from './own-files.js';

const LONG = 80;

/** Finds what a program emits and declares. */
export class EventSearch {
  readonly #checker: ts.TypeChecker;
  readonly #callees: Callees;
  readonly #names: NameReader;

  constructor(
    private readonly ts: Compiler,
    program: ts.Program,
    ownFiles: OwnFiles,
    private readonly findings: Findings,
  ) {
    this.#checker = program.getTypeChecker();
    this.#callees = new Callees(ts, this.#checker, ownFiles);
    this.#names = new NameReader(ts, this.#checker, this.#callees);
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
    const callee = this.#callees.ofType(type);
    if (callee !== undefined) {
      this.#add(callee, call, call.arguments);
    } else if (ts.isPropertyAccessExpression(expression)) {
      const method = expression.name.text;
      if (method === 'emit' && type.flags & ts.TypeFlags.Any) {
        this.findings.untyped.push(placeOf(ts, expression.name));
      }
      if (['call', 'apply', 'bind'].includes(method)) this.#readIndirectCall(call, expression);
    }
  }

  /** `emit.call(tracker, name)` and its kin. */
  #readIndirectCall(call: ts.CallExpression, method: ts.PropertyAccessExpression): void {
    const callee = this.#callees.of(method.expression);
    if (callee === undefined) return;
    const [, ...args] = call.arguments;
    if (method.name.text === 'apply') this.#addDynamic(callee, call);
    else if (method.name.text === 'call' || args.length > 0) this.#add(callee, call, args);
    // What is only bound to its tracker is still emit, wherever it is called.
    else if (isHandedOn(this.ts, this.#checker, this.#callees, call)) {
      this.#addDynamic(callee, call);
    }
  }

  /** Code that gets hold of `emit` itself may call it with any name. */
  #readReference(node: ts.Expression): void {
    const { ts } = this;
    if (!ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node)) return;
    if (isHandedOn(ts, this.#checker, this.#callees, node)) this.#addDynamic('emit', node);
  }

  #add(callee: Callee, call: ts.CallExpression, args: readonly ts.Expression[]): void {
    const [argument] = args;
    const { names, described, isDynamic } = this.#names.ofArgument(argument);
    const { emitted, declared } = this.findings;
    const found = callee === 'emit' || callee === 'EmitEvent' ? emitted : declared;
    for (const name of names) {
      found.set(name, [...(found.get(name) ?? []), placeOf(this.ts, argument ?? call)]);
    }
    for (const name of described) this.findings.described.add(name);
    if (isDynamic) this.#addDynamic(callee, call, argument);
  }

  #addDynamic(call: Callee, node: ts.Node, at: ts.Node = node): void {
    const text = node.getText().replace(/\s+/g, ' ');
    const code = text.length > LONG ? `${text.slice(0, LONG)}…` : text;
    this.findings.dynamic.push({ ...placeOf(this.ts, at), call, code });
  }
}

function placeOf(ts: Compiler, node: ts.Node): Place {
  const file = node.getSourceFile();
  const { line, character } = ts.getLineAndCharacterOfPosition(file, node.getStart());
  return {
    file: relative(process.cwd(), file.fileName).split(sep).join('/'),
    line: line + 1,
    column: character + 1,
  };
}
