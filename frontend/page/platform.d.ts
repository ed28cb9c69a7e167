/* What `tsc` (frontend/jsconfig.json) should know of the browser beyond its own library. */

// Elements are those of index.html: what is found by a selector is what is written there.
interface ParentNode {
  querySelector(selectors: string): any;
}
interface NonElementParentNode {
  getElementById(id: string): any;
}
interface Document {
  getElementById(id: string): any;
}

interface Element {
  setAttribute(name: string, value: string | number | boolean): void;
}
interface Node {
  contains(other: EventTarget | null): boolean;
}

// Our own events carry a `detail`.
interface EventTarget {
  addEventListener(type: string, listener: (event: any) => void, options?: any): void;
  removeEventListener(type: string, listener: (event: any) => void): void;
}

interface File {
  /** The path within a folder that was dropped, as Dropzone notes it. */
  fullPath?: string;
  /** Dropzone's own notes on the way of this file. */
  upload?: any;
  status?: string;
}
