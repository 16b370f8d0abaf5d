import type ts from 'typescript';
import type { CallRecogniser } from './recognise-calls.js';
import type { Compiler } from './compiler.js';

/** Whether `emit` is passed to code that sees it as another type, so that the names it emits are unknown. */
export function isEscapingEmit(
  ts: Compiler,
  checker: ts.TypeChecker,
  calls: CallRecogniser,
  expression: ts.Expression,
): boolean {
  if (!isPassedOn(ts, expression) || calls.recognise(expression) !== 'emit') return false;
  const type = checker.getContextualType(expression);
  return type !== undefined && calls.recogniseType(type) === undefined;
}

/** Whether an expression is used as a value. Checked first, because it needs no types. */
function isPassedOn(ts: Compiler, expression: ts.Expression): boolean {
  const { parent } = expression;
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) {
    return parent.expression !== expression;
  }
  if (
    ts.isPropertyAssignment(parent) ||
    ts.isVariableDeclaration(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isParameter(parent)
  ) {
    return parent.initializer === expression;
  }
  return (
    (ts.isArrowFunction(parent) && parent.body === expression) ||
    (ts.isBinaryExpression(parent) && parent.right === expression) ||
    ts.isShorthandPropertyAssignment(parent) ||
    ts.isArrayLiteralExpression(parent) ||
    ts.isReturnStatement(parent)
  );
}
