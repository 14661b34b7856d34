/**
 * What lines and their declaration must agree on. Employees' amounts and bases are of lines alone;
 * an employer's may have a part that is made for the unit as a whole, where the pack says so.
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
