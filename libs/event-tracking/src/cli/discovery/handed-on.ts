import type ts from 'typescript';
import type { Callees } from './callee.js';
import type { Compiler } from './compiler.js';

/** Tells whether `emit` is given to what knows it by another type, such as a parameter: nobody can tell what that calls it with. */
export function isHandedOn(
  ts: Compiler,
  checker: ts.TypeChecker,
  callees: Callees,
  expression: ts.Expression,
): boolean {
  if (!isGiven(ts, expression) || callees.of(expression) !== 'emit') return false;
  const type = checker.getContextualType(expression);
  return type !== undefined && callees.ofType(type) === undefined;
}

/** Whether it is a value that something takes; a cheap question, asked first. */
function isGiven(ts: Compiler, expression: ts.Expression): boolean {
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
