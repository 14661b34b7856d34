/** A QR code as one path: sharp at every size, and in print. */
import { encode } from 'uqr'

type QrProps = { readonly content: string; readonly label: string }

/** Quiet zone of four modules around it (ISO/IEC 18004). */
const quiet = 4

export function Qr({ content, label }: QrProps) {
  const { data, size } = encode(content, { ecc: 'L', border: 0 })
  const path = data
    .flatMap((row, y) =>
      row.flatMap((dark, x) => (dark ? `M${x + quiet} ${y + quiet}h1v1h-1z` : [])),
    )
    .join('')
  const side = size + 2 * quiet
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${side} ${side}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <rect width={side} height={side} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}
