import type { FastifyInstance } from 'fastify'

/** As Fastify has them: its tree, a node on each line, with the methods of those that are routes. */
export function routesOf(app: FastifyInstance): string[] {
  const path: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', node = '', methods] =
        /^([│├└─\s]*)(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
      if (node === '') return []
      const depth = Math.max(0, indent.length / 4 - 1)
      path.splice(depth, Number.POSITIVE_INFINITY, node)
      const url = path.join('')
      return (methods?.split(', ') ?? []).map((method) => `${method} ${url}`)
    })
}
