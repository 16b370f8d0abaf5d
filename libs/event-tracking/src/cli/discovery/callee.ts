import type ts from 'typescript';
import type { Compiler } from './compiler.js';
import type { OwnFiles } from './own-files.js';

/** What is called that has to do with events, by the name that the package gives it. */
export type Callee = 'emit' | 'EmitEvent' | 'register' | 'defineEvent';

const FUNCTIONS: readonly string[] = ['emit', 'EmitEvent', 'defineEvent'] satisfies Callee[];
const METHODS: readonly string[] = ['emit', 'register'] satisfies Callee[];

/** Recognises functions of the package by their types, whatever they are called and however they are reached. */
export class Callees {
  readonly #known = new Map<ts.Symbol, Callee | undefined>();

  constructor(
    private readonly ts: Compiler,
    private readonly checker: ts.TypeChecker,
    private readonly ownFiles: OwnFiles,
  ) {}

  /** What an expression is, where it is called. */
  of(expression: ts.Expression): Callee | undefined {
    return this.ofType(this.checker.getTypeAtLocation(expression));
  }

  ofType(type: ts.Type): Callee | undefined {
    if (type.isUnionOrIntersection()) {
      for (const each of type.types) {
        const callee = this.ofType(each);
        if (callee !== undefined) return callee;
      }
      return undefined;
    }
    // The compiler's own types do not say that most types have none.
    const symbol = type.symbol as ts.Symbol | undefined;
    return symbol === undefined ? undefined : this.#ofSymbol(symbol);
  }

  #ofSymbol(symbol: ts.Symbol): Callee | undefined {
    if (this.#known.has(symbol)) return this.#known.get(symbol);
    const is = (symbol.declarations ?? []).some((declaration) => this.#isOurs(symbol, declaration));
    const callee = is ? (symbol.name as Callee) : undefined;
    this.#known.set(symbol, callee);
    return callee;
  }

  #isOurs({ name }: ts.Symbol, declaration: ts.Declaration): boolean {
    if (this.ts.isFunctionDeclaration(declaration)) {
      return FUNCTIONS.includes(name) && this.#isOwn(declaration);
    }
    return METHODS.includes(name) && this.#isMemberOfTracker(name, declaration);
  }

  /** A method of the tracker, or one that overrides it. */
  #isMemberOfTracker(name: string, { parent }: ts.Declaration): boolean {
    const { ts, checker } = this;
    if (!ts.isClassLike(parent) && !ts.isInterfaceDeclaration(parent)) return false;
    if (this.#isOwn(parent)) return parent.name?.text === 'Tracker';
    const type = checker.getTypeAtLocation(parent);
    return (type.getBaseTypes() ?? []).some((base) => {
      const inherited = base.getProperty(name)?.declarations ?? [];
      return inherited.some((declaration) => this.#isMemberOfTracker(name, declaration));
    });
  }

  #isOwn(declaration: ts.Declaration): boolean {
    return this.ownFiles.has(declaration.getSourceFile().fileName);
  }
}
