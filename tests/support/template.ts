/** The migrated database that tests copy; global-setup.ts makes it. */
export const templateDatabase = 'spillway_template'
