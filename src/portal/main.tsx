/** Starts the portal in the page. */
import { render } from 'preact'
import { App } from './app.tsx'
import './styles/tokens.css'
import './styles/base.css'
import './styles/page.css'
import './styles/parts.css'
import './styles/grid.css'
import './styles/screens.css'
import './styles/filed.css'
import './styles/files.css'
import './styles/print.css'

const root = document.getElementById('portal')
if (root !== null) render(<App />, root)
