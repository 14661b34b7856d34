/**
 * The amounts on which lines and their declaration must agree. Bases and employees' amounts come from lines
 * alone. The employer's amounts may have a part that is assessed for the unit, where the pack says so.
 */
export const lineSums = ['pension', 'medical', 'unemployment', 'work_injury']
export const sums = lineSums
  .flatMap((name) => [`${name}_base_fen`, `${name}_employer_fen`, `${name}_employee_fen`])
  .map((column) => `sum(l.${column}) as ${column}`)
  .join(', ')
export const ofLinesAlone = (from: string) =>
  lineSums.map((name) => `${from}.${name}_base_fen, ${from}.${name}_employee_fen`).join(', ')
export const ofEmployers = (from: string) =>
  lineSums.map((name) => `${from}.${name}_employer_fen`).join(', ')
