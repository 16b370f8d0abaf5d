import type ts from 'typescript';
import type { Compiler } from './compiler.js';
import type { LibraryFiles } from './library-files.js';

/** A function of the library that emits or declares events, by its original name. */
export type Callee = 'emit' | 'EmitEvent' | 'register' | 'defineEvent';

const FUNCTIONS: readonly string[] = ['emit', 'EmitEvent', 'defineEvent'] satisfies Callee[];
const METHODS: readonly string[] = ['emit', 'register'] satisfies Callee[];

/**
 * Recognises functions of the library by their types, even if they are renamed or passed around.
 */
export class CallRecogniser {
  readonly #known = new Map<ts.Symbol, Callee | undefined>();

  constructor(
    private readonly ts: Compiler,
    private readonly checker: ts.TypeChecker,
    private readonly libraryFiles: LibraryFiles,
  ) {}

  /** Returns the library function that an expression refers to. */
  recognise(expression: ts.Expression): Callee | undefined {
    return this.recogniseType(this.checker.getTypeAtLocation(expression));
  }

  recogniseType(type: ts.Type): Callee | undefined {
    if (type.isUnionOrIntersection()) {
      for (const each of type.types) {
        const callee = this.recogniseType(each);
        if (callee !== undefined) return callee;
      }
      return undefined;
    }
    // The compiler declares `symbol` as always present, but most types have none.
    const symbol = type.symbol as ts.Symbol | undefined;
    return symbol === undefined ? undefined : this.#ofSymbol(symbol);
  }

  #ofSymbol(symbol: ts.Symbol): Callee | undefined {
    if (this.#known.has(symbol)) return this.#known.get(symbol);
    const isKnown = (symbol.declarations ?? []).some((declaration) =>
      this.#isLibraryFunction(symbol, declaration),
    );
    const callee = isKnown ? (symbol.name as Callee) : undefined;
    this.#known.set(symbol, callee);
    return callee;
  }

  #isLibraryFunction({ name }: ts.Symbol, declaration: ts.Declaration): boolean {
    if (this.ts.isFunctionDeclaration(declaration)) {
      return FUNCTIONS.includes(name) && this.#isInLibrary(declaration);
    }
    return METHODS.includes(name) && this.#isMemberOfTracker(name, declaration);
  }

  /** Whether a method belongs to `Tracker` or overrides a method of it. */
  #isMemberOfTracker(name: string, { parent }: ts.Declaration): boolean {
    const { ts, checker } = this;
    if (!ts.isClassLike(parent) && !ts.isInterfaceDeclaration(parent)) return false;
    if (this.#isInLibrary(parent)) return parent.name?.text === 'Tracker';
    const type = checker.getTypeAtLocation(parent);
    return (type.getBaseTypes() ?? []).some((base) => {
      const inherited = base.getProperty(name)?.declarations ?? [];
      return inherited.some((declaration) => this.#isMemberOfTracker(name, declaration));
    });
  }

  #isInLibrary(declaration: ts.Declaration): boolean {
    return this.libraryFiles.has(declaration.getSourceFile().fileName);
  }
}
