/** Leaves a template as it is; its name tells formatters that it is CSS. */
export const css = String.raw;
