/** The slideshow without the rest of the page: for televisions, whose browsers are too old for it. */

import { Gallery } from "./gallery/gallery.js";
import { keepFresh } from "./gallery/live.js";
import { slideshowSettings } from "./page/address.js";
import { fetchSettings } from "./page/api.js";
import { askPatiently, orUndefined } from "./page/patience.js";
import { Visitor } from "./page/visitor.js";
import { Slideshow } from "./slideshow/slideshow.js";

const gallery = new Gallery();
const el = document.querySelector(".slideshow");
const visitor = new Visitor();
gallery.selection = { ...gallery.selection, by: slideshowSettings().by };
const slideshow = new Slideshow(el, gallery, visitor, () => location.replace("/"));
keepFresh(gallery, () => {}); // it goes on with the photos it knows while the server does not answer
gallery.addEventListener("photos-changed", () => visitor.setClosed(gallery.closed));
slideshow.open();
visitor.become((await orUndefined(askPatiently(fetchSettings))) ?? {});
