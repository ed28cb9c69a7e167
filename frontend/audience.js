/** Who sees a photo, in words. */

export function isForEveryone({ visibility, standing }) {
  return visibility === "everyone" && standing === "shown";
}

/** What its tile says of a photo that not everyone sees; empty for all others. */
export function markOf({ visibility, standing }) {
  if (visibility === "owner") return "Only me";
  return { pending: "Waiting", hidden: "Hidden" }[standing] ?? "";
}

/** The same in a sentence. @param {boolean} isOwn the photo of who reads it */
export function audienceOf({ visibility, standing }, isOwn) {
  if (visibility === "owner") return "Only you see this photo.";
  const sentences = {
    pending: ["Waiting for approval.", "Others see this photo once the host has approved it."],
    hidden: ["Hidden from the guests.", "The host has hidden this photo; you still see it."],
  };
  return sentences[standing]?.[Number(isOwn)] ?? "";
}
