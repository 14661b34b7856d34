/** Types of portal-build.mjs, which runs before anything is installed. */
export const portalFolder: string
export function isPortalBuilt(): boolean
export function canBuildPortal(): boolean
export function buildPortal(): Promise<boolean>
