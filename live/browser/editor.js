// The editor of a cell, of CodeMirror's parts; live/bundle.py makes one file of it.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], class: "hv-code-word" },
  { tag: tags.comment, class: "hv-code-note" },
]);

/** An editor in `parent`: { text(), focus(), close() }. Tab leaves it, as it leaves any field. */
export function editor(parent, { text, label, run, changed }) {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([
          { key: "Shift-Enter", run: () => { run(); return true; } },
          { key: "Mod-Enter", run: () => { run(); return true; } },
          ...defaultKeymap, ...historyKeymap,
        ]),
        history(), drawSelection(), indentOnInput(), indentUnit.of("    "), bracketMatching(), python(), syntaxHighlighting(colours),
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => { if (update.docChanged) changed(); }),
      ],
    }),
  });
  return { text: () => view.state.doc.toString(), focus: () => view.focus(), close: () => view.destroy() };
}
