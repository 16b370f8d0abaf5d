import type ts from 'typescript';
import type { Callees } from './callee.js';
import type { Compiler } from './compiler.js';

/** What an event is named where the code says nothing. */
const UNNAMED = 'unknown';
/** How many names one expression may have. */
const MANY = 1_000;

/** The names that an expression can have when the code runs. */
export interface Names {
  readonly names: ReadonlySet<string>;
  /** Those among them that are an event type's own. */
  readonly described: ReadonlySet<string>;
  /** Whether there may be others, which only the running code knows. */
  readonly isDynamic: boolean;
}

const NONE: Names = { names: new Set(), described: new Set(), isDynamic: false };
/** To the tracker, an empty name is none. */
const NAMELESS = only('');
const DYNAMIC: Names = { ...NONE, isDynamic: true };

/** Finds out which names of events an expression can have. */
export class NameReader {
  /** The declarations whose values are being read, which may lead in a circle. */
  readonly #reading = new Set<ts.Node>();

  constructor(
    private readonly ts: Compiler,
    private readonly checker: ts.TypeChecker,
    private readonly callees: Callees,
  ) {}

  /** The names that an argument can have; of none, what an event without a name is named. */
  ofArgument(argument: ts.Expression | undefined): Names {
    const { names, ...others } = argument === undefined ? NAMELESS : this.#ofFirst(argument);
    return { ...others, names: new Set([...names].map((name) => name || UNNAMED)) };
  }

  /** An argument may also be several that are spread. */
  #ofFirst(argument: ts.Expression): Names {
    if (!this.ts.isSpreadElement(argument)) return this.#of(argument);
    const type = this.checker.getTypeAtLocation(argument.expression);
    if (!this.checker.isTupleType(type)) return DYNAMIC;
    const [first] = this.checker.getTypeArguments(type as ts.TypeReference);
    return first === undefined ? NAMELESS : this.#ofType(first, argument);
  }

  /** The type says most; what it has forgotten the code may still say. */
  #of(expression: ts.Expression): Names {
    const names = this.#ofType(this.checker.getTypeAtLocation(expression), expression);
    return names.isDynamic ? (this.#ofCode(expression) ?? names) : names;
  }

  #ofType(type: ts.Type, at: ts.Node): Names {
    const { ts, checker } = this;
    if (type.isUnion()) return union(type.types.map((each) => this.#ofType(each, at)));
    if (type.isStringLiteral() || type.isNumberLiteral()) return only(String(type.value));
    if (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null | ts.TypeFlags.Void)) {
      return NAMELESS;
    }
    if (type.flags & ts.TypeFlags.Never) return NONE;
    if (type.flags & ts.TypeFlags.Instantiable) {
      const constraint = checker.getBaseConstraintOfType(type);
      return constraint === undefined || constraint === type
        ? DYNAMIC
        : this.#ofType(constraint, at);
    }
    return this.#ofEventType(type, at) ?? DYNAMIC;
  }

  #ofEventType(type: ts.Type, at: ts.Node): Names | undefined {
    const [kind, name] = ['kind', 'name'].map((key) => {
      const property = type.getProperty(key);
      return property && this.checker.getTypeOfSymbolAtLocation(property, at);
    });
    if (name === undefined || kind?.isStringLiteral() !== true) return undefined;
    if (kind.value !== 'event') return NONE; // a context type, which names no event
    const { names, isDynamic } = this.#ofType(name, at);
    return { names, described: names, isDynamic };
  }

  #ofCode(expression: ts.Expression): Names | undefined {
    const { ts } = this;
    if (isWrapped(ts, expression)) return this.#of(expression.expression);
    if (ts.isConditionalExpression(expression)) {
      return union([this.#of(expression.whenTrue), this.#of(expression.whenFalse)]);
    }
    if (ts.isTemplateExpression(expression)) {
      return product([
        only(expression.head.text),
        ...expression.templateSpans.flatMap((span) => [
          this.#of(span.expression),
          only(span.literal.text),
        ]),
      ]);
    }
    if (ts.isBinaryExpression(expression)) {
      const { left, operatorToken, right } = expression;
      if (operatorToken.kind !== ts.SyntaxKind.PlusToken) return undefined;
      return product([this.#of(left), this.#of(right)]);
    }
    if (ts.isCallExpression(expression)) {
      if (this.callees.of(expression.expression) !== 'defineEvent') return undefined;
      const [name] = expression.arguments;
      if (name === undefined) return undefined;
      const { names, isDynamic } = this.#of(name);
      return { names, described: names, isDynamic };
    }
    return this.#ofConstant(expression);
  }

  /** What a constant was given where it is declared. */
  #ofConstant(expression: ts.Expression): Names | undefined {
    const { ts, checker } = this;
    let symbol = checker.getSymbolAtLocation(expression);
    if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias) {
      symbol = checker.getAliasedSymbol(symbol);
    }
    const declaration = symbol?.valueDeclaration;
    if (declaration === undefined || !isConstant(ts, declaration)) return undefined;
    const { initializer } = declaration;
    if (initializer === undefined || this.#reading.has(declaration)) return undefined;
    this.#reading.add(declaration);
    try {
      return this.#of(initializer);
    } finally {
      this.#reading.delete(declaration);
    }
  }
}

function isWrapped(
  ts: Compiler,
  node: ts.Node,
): node is ts.ParenthesizedExpression | ts.AsExpression | ts.SatisfiesExpression {
  return (
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isTypeAssertionExpression(node)
  );
}

/** What nothing can be written to, and no subclass can replace. */
function isConstant(
  ts: Compiler,
  node: ts.Declaration,
): node is ts.VariableDeclaration | ts.PropertyDeclaration {
  if (ts.isVariableDeclaration(node)) {
    return (ts.getCombinedNodeFlags(node) & ts.NodeFlags.Const) !== 0;
  }
  const fixed = ts.ModifierFlags.Static | ts.ModifierFlags.Readonly;
  return ts.isPropertyDeclaration(node) && (ts.getCombinedModifierFlags(node) & fixed) === fixed;
}

function only(name: string): Names {
  return { names: new Set([name]), described: new Set(), isDynamic: false };
}

function union(all: readonly Names[]): Names {
  return {
    names: new Set(all.flatMap(({ names }) => [...names])),
    described: new Set(all.flatMap(({ described }) => [...described])),
    isDynamic: all.some(({ isDynamic }) => isDynamic),
  };
}

/** Texts put together, each of the first with each of the next. */
function product(parts: readonly Names[]): Names {
  if (parts.some(({ isDynamic }) => isDynamic)) return DYNAMIC;
  let texts = [''];
  for (const { names } of parts) {
    texts = texts.flatMap((text) => [...names].map((name) => text + name));
    if (texts.length > MANY) return DYNAMIC;
  }
  return { ...NONE, names: new Set(texts) };
}
