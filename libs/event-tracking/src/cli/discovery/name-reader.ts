import type ts from 'typescript';
import type { CallRecogniser } from './recognise-calls.js';
import type { Compiler } from './compiler.js';

/** The name of events that are emitted without a name. */
const UNNAMED = 'unknown';
/** An expression with more possible names counts as dynamic. */
const MAX_NAMES = 1_000;

/** The names that an expression can have at run time. */
export interface Names {
  readonly names: ReadonlySet<string>;
  /** The names among them that come from an event type. */
  readonly described: ReadonlySet<string>;
  /** Whether there may be other names, which are known only at run time. */
  readonly isDynamic: boolean;
}

const NONE: Names = { names: new Set(), described: new Set(), isDynamic: false };
/** The tracker treats an empty name as a missing name. */
const NAMELESS = only('');
const DYNAMIC: Names = { ...NONE, isDynamic: true };

/** Finds the event names that an expression can have. */
export class NameReader {
  /** The declarations being read, to stop at circular ones. */
  readonly #reading = new Set<ts.Node>();

  constructor(
    private readonly ts: Compiler,
    private readonly checker: ts.TypeChecker,
    private readonly calls: CallRecogniser,
  ) {}

  /**
   * Returns the names that an argument can have. A missing argument has the name of unnamed events.
   */
  ofArgument(argument: ts.Expression | undefined): Names {
    const { names, ...others } = argument === undefined ? NAMELESS : this.#ofFirst(argument);
    return { ...others, names: new Set([...names].map((name) => name || UNNAMED)) };
  }

  #ofFirst(argument: ts.Expression): Names {
    if (!this.ts.isSpreadElement(argument)) return this.#of(argument);
    const type = this.checker.getTypeAtLocation(argument.expression);
    if (!this.checker.isTupleType(type)) return DYNAMIC;
    const [first] = this.checker.getTypeArguments(type as ts.TypeReference);
    return first === undefined ? NAMELESS : this.#ofType(first, argument);
  }

  /** Reads the code only if the type is too wide, as with `const name: string = 'sold'`. */
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
    if (kind.value !== 'event') return NONE; // a context type
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
      if (this.calls.recognise(expression.expression) !== 'defineEvent') return undefined;
      const [name] = expression.arguments;
      if (name === undefined) return undefined;
      const { names, isDynamic } = this.#of(name);
      return { names, described: names, isDynamic };
    }
    return this.#ofConstant(expression);
  }

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

/** Whether a declaration can neither be assigned to nor overridden. */
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

function product(parts: readonly Names[]): Names {
  if (parts.some(({ isDynamic }) => isDynamic)) return DYNAMIC;
  let texts = [''];
  for (const { names } of parts) {
    texts = texts.flatMap((text) => [...names].map((name) => text + name));
    if (texts.length > MAX_NAMES) return DYNAMIC;
  }
  return { ...NONE, names: new Set(texts) };
}
